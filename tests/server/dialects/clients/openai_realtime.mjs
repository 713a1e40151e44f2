// OpenAI's own client for Node: does everything that a row of the table of clients names, and prints what it heard.
// node openai_realtime.mjs BASE_URL, which is https: the client speaks nothing but wss.
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "any" });
const second = Buffer.alloc(48000).toString("base64");
const item = "conversation.item.input_audio_transcription";
const manual = { turn_detection: null };

// One session, to its close: what was heard on it, by the time that `act` has returned.
async function session(act) {
  const realtime = new OpenAIRealtimeWS({ intent: "transcription" }, client);
  const heard = { types: [], transcripts: [], deltas: {}, errors: [], url: realtime.url.href };
  let more = () => {};
  realtime.on("event", (event) => {
    heard.types.push(event.type);
    if (event.type === `${item}.delta`) heard.deltas[event.item_id] = (heard.deltas[event.item_id] ?? "") + event.delta;
    if (event.type === `${item}.completed`) heard.transcripts.push([event.item_id, event.transcript]);
    more();
  });
  realtime.on("error", (error) => heard.errors.push(error.error?.code ?? String(error)));
  const closed = new Promise((resolve) => realtime.socket.on("close", (code) => resolve(code)));
  const count = async (type, number = 1) => {
    while (heard.types.filter((known) => known === type).length < number) {
      await new Promise((resolve) => { more = resolve; });
    }
  };
  const talk = {
    realtime,
    count,
    configure: async (input) => {
      realtime.send({ type: "session.update", session: { type: "transcription", audio: { input } } });
      await count("session.updated");
    },
    append: (seconds) => {
      for (let sent = 0; sent < seconds; sent += 1) realtime.send({ type: "input_audio_buffer.append", audio: second });
    },
    commit: (more = {}) => realtime.send({ type: "input_audio_buffer.commit", ...more }),
  };
  await count("session.created");
  await act(talk);
  heard.code = await closed;
  return heard;
}

const commits = async (talk) => {
  await talk.configure(manual);
  talk.append(4);
  talk.commit();
  await talk.count(`${item}.completed`);
  talk.realtime.close();
};
const heard = {
  commits: await session(commits),
  turns: await session(async (talk) => {
    await talk.configure({ turn_detection: { type: "server_vad", silence_duration_ms: 400 } });
    talk.append(7);
    await talk.count(`${item}.completed`, 2);
    talk.realtime.close();
  }),
  end: await session(async (talk) => {
    await talk.configure(manual);
    talk.append(1);
    talk.commit({ final: true });
  }),
  empty: await session(async (talk) => talk.realtime.close()),
  nothingPending: await session(async (talk) => {
    await talk.configure(manual);
    talk.commit();
    talk.commit();
    await talk.count(`${item}.completed`, 2);
    talk.realtime.close();
  }),
  tooLong: await session(async (talk) => {
    await talk.configure(manual);
    talk.realtime.socket.send("x".repeat(17 * 1024 * 1024));
  }),
  cut: await session(async (talk) => {
    talk.append(1);
    talk.realtime.socket.terminate();
  }),
  ten: await Promise.all(Array.from({ length: 10 }, () => session(commits))),
};
console.log(JSON.stringify(heard));
process.exit(0);
