// Deepgram's own client for Node: sends what it is told to, and prints what it hears as one JSON object.
// node deepgram.mjs PORT: four seconds of audio with a Finalize in the middle, then the end of the stream.
import { DeepgramClient } from "@deepgram/sdk";

const url = `127.0.0.1:${process.argv[2]}`;
const client = new DeepgramClient({
  apiKey: "any",
  environment: { base: `http://${url}`, production: `ws://${url}`, agent: `ws://${url}`, agentRest: `http://${url}` },
});
const connection = await client.listen.v1.connect({
  model: "nova-3",
  encoding: "linear16",
  sample_rate: 16000,
  interim_results: "true",
  Authorization: "Token any",
});
const heard = { types: [], finals: [], finalized: [], errors: [] };
const closed = new Promise((resolve) => {
  connection.on("message", (message) => {
    heard.types.push(message.type);
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
const second = new Uint8Array(32000);
connection.sendKeepAlive({ type: "KeepAlive" });
connection.sendMedia(second);
connection.sendFinalize({ type: "Finalize" });
for (let sent = 0; sent < 3; sent += 1) connection.sendMedia(second);
connection.sendCloseStream({ type: "CloseStream" });
heard.code = await closed;
console.log(JSON.stringify(heard));
process.exit(0);
