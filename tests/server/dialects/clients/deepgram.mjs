// Deepgram's own client for Node: does everything that a row of the table of clients names, and prints what it heard.
// node deepgram.mjs PORT
import { DeepgramClient } from "@deepgram/sdk";

const url = `127.0.0.1:${process.argv[2]}`;
const client = new DeepgramClient({
  apiKey: "any",
  environment: { base: `http://${url}`, production: `ws://${url}`, agent: `ws://${url}`, agentRest: `http://${url}` },
});
const second = new Uint8Array(32000);
const end = { type: "CloseStream" };
const finalize = { type: "Finalize" };

// One session, to its close: what was heard on it.
async function session(act, options = {}) {
  const connection = await client.listen.v1.connect({
    model: "nova-3",
    encoding: "linear16",
    sample_rate: 16000,
    interim_results: "true",
    Authorization: "Token any",
    reconnectAttempts: 0,
    ...options,
  });
  const heard = { types: [], finals: [], finalized: [], errors: [], said: [] };
  const closed = new Promise((resolve) => {
    connection.on("message", (message) => {
      heard.types.push(message.type);
      if (message.type === "Error") heard.said.push(message.variant);
      if (message.type === "Results" && message.is_final) {
        heard.finals.push(message.channel.alternatives[0].transcript);
        heard.finalized.push(message.from_finalize);
      }
    });
    connection.on("error", (error) => heard.errors.push(String(error)));
    connection.on("close", (event) => resolve(event.code));
  });
  connection.connect();
  await connection.waitForOpen();
  await act(connection);
  heard.code = await closed;
  return heard;
}

const fourSeconds = async (connection) => {
  for (let sent = 0; sent < 4; sent += 1) connection.sendMedia(second);
  connection.sendCloseStream(end);
};
const heard = {
  stream: await session(async (connection) => {
    connection.sendKeepAlive({ type: "KeepAlive" });
    connection.sendMedia(second);
    connection.sendFinalize(finalize);
    for (let sent = 0; sent < 3; sent += 1) connection.sendMedia(second);
    connection.sendCloseStream(end);
  }),
  empty: await session(async (connection) => connection.sendCloseStream(end)),
  nothingPending: await session(async (connection) => {
    connection.sendFinalize(finalize);
    connection.sendMedia(second);
    connection.sendFinalize(finalize);
    connection.sendFinalize(finalize);
    connection.sendCloseStream(end);
  }),
  tooLong: await session(async (connection) => connection.sendMedia(new Uint8Array(2 * 1024 * 1024))),
  cut: await session(async (connection) => {
    connection.sendMedia(second);
    connection.socket._ws.terminate();
  }),
  ten: await Promise.all(Array.from({ length: 10 }, () => session(fourSeconds))),
};
console.log(JSON.stringify(heard));
process.exit(0);
