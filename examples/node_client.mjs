// A 16-bit WAV file through a running server, with Node.js alone: no packages, nothing but docs/protocol.md.
//
//   node examples/node_client.mjs FILE.wav [URL]        (Node 20: node --experimental-websocket …)
//
// Prints the finals, and on a terminal the partials. Exit code 0 only when every sample is accounted for, 1 when not,
// 2 when it could not begin. A lost connection is taken up again, and a lost server begun anew; the file is the ring
// that audio is sent again from.

import { readFileSync } from 'node:fs';

const [path, url = 'ws://127.0.0.1:8765/ws/transcribe'] = process.argv.slice(2);
const SILENCE_MS = 60_000; // without any message the connection counts as lost
const PING_MS = 20_000;
const CLOSE_MS = 5_000;
const ATTEMPTS = 12; // to connect again, from 0.25 s apart to 4 s, until the server has heard audio again
const mayReturn = (code) => [1001, 1005, 1006, 1011, 1012, 1013, 4408].includes(code) || code >= 4500;
const clean = (text) => text.replace(/\p{C}/gu, ' '); // a terminal obeys control characters

if (!path) quit(2, 'Usage: node node_client.mjs FILE.wav [URL]');
if (typeof WebSocket === 'undefined') {
  quit(2, `Node ${process.version} has no WebSocket: use Node 22 or newer, or Node 20 with --experimental-websocket.`);
}
const { pcm, rate, channels } = readWav(path);
const frameBytes = 2 * channels;
const total = Math.floor(pcm.length / frameBytes);

let socket, watchdog, session, token;
let open = false; // whether audio may be said: after ready or resumed, on this connection
let restarting = false, attempt = 0, returns = 0, seen = 0, sent = 0, credit = 0, inputEnded = false;
let origin = 0, committed = 0, covered = 0, dropped = 0, finals = 0; // our own accounts, to hold against the server's

connect();
const pings = setInterval(() => open && say({ type: 'ping', seen }), PING_MS);

function connect() {
  const mine = (socket = new WebSocket(url, ['auricle.v1']));
  const ifMine = (act) => (event) => mine === socket && act(event); // what an older connection still says is over
  mine.onopen = ifMine(() => say(token ? { type: 'resume', session, token, seen, sent, attempt: ++returns } : start()));
  mine.onmessage = ifMine(({ data }) => typeof data === 'string' && hear(JSON.parse(data)));
  mine.onerror = ifMine(() => lose(1006, ''));
  mine.onclose = ifMine(({ code, reason }) => lose(code, reason));
  listen();
}

function start() {
  const message = { type: 'start', audio: { encoding: 'pcm_s16le', sample_rate: rate, channels } };
  return origin ? { ...message, timeline_origin: origin, segment_origin: finals } : message;
}

function say(message) {
  socket.send(JSON.stringify(message));
}

function pump() { // never beyond the credit, nothing after the end of input, and end_input behind all audio
  while (!inputEnded && sent < Math.min(credit, total)) {
    const end = Math.min(sent + Math.ceil(rate / 10), credit, total);
    socket.send(pcm.subarray(sent * frameBytes, end * frameBytes));
    sent = end;
    if (sent === total) say({ type: 'end_input', total });
  }
}

function begin(message, from) { // `next` is authoritative; what was not confirmed is said again, in order
  ({ credit } = message);
  [open, sent] = [true, from];
  if (sent === total && !inputEnded) say({ type: 'end_input', total });
  pump();
}

function hear(message) {
  listen();
  if (!open && token && ['session_gone', 'bad_token'].includes(message.code)) return restart();
  if (message.seq !== undefined && message.seq !== ++seen) quit(1, `Message ${seen} is missing: ${message.seq} came.`);
  switch (message.type) {
    case 'ready':
      [session, token, restarting, returns] = [message.session, message.resume?.token, false, 0];
      return begin(message, origin);
    case 'resumed':
      ({ token } = message); // a token is good once
      return begin(message, message.next);
    case 'ack':
      ({ credit } = message);
      attempt = 0;
      return pump();
    case 'partial':
      return show(message.text);
    case 'final': {
      const [from, to] = message.audio;
      if (message.segment !== finals || from !== committed) quit(1, `Final ${message.segment} leaves a hole.`);
      [finals, covered, committed] = [finals + 1, covered + to - from, to];
      show('');
      return console.log(clean(message.text));
    }
    case 'warning':
    case 'error':
      if (message.audio) [dropped, committed] = [dropped + message.audio[1] - committed, message.audio[1]];
      return console.error(`${message.code}: ${clean(message.message)}`);
    case 'input_ended':
      return void (inputEnded = true);
    case 'closed':
      return conclude(message);
  }
}

function restart() { // the server lost the session: a new one goes on from what is committed
  console.error(`The server no longer knows the session: going on from sample ${committed}.`);
  [token, restarting, seen, inputEnded, origin, covered] = [undefined, true, 0, false, committed, 0];
  lose(1006, '');
}

function lose(code, why) { // without `closed` the end of a connection is never a success
  if (!(token || restarting) || !mayReturn(code) || attempt === ATTEMPTS) {
    quit(1, `Connection lost (${code}${why && `, ${why}`}): ${committed} of ${total} samples are accounted for.`);
  }
  socket.close();
  [socket, open] = [undefined, false];
  setTimeout(connect, Math.min(4_000, 250 * 2 ** attempt++) * Math.random());
}

function conclude({ reason, complete, stats }) { // `complete` is a claim, until our own accounts agree
  [socket, open] = [undefined, false]; // Node answers the Close frame that follows; we do not close before it
  [watchdog, pings].forEach(clearTimeout);
  setTimeout(() => process.exit(), CLOSE_MS).unref();
  show('');
  const agreed =
    [stats.received, stats.processed, stats.committed].every((position) => position === total) &&
    stats.segments === finals && !dropped && !stats.dropped && covered + (stats.non_speech ?? 0) === total - origin;
  if (reason === 'completed' && complete && agreed) return console.log(`Complete: ${total} samples, ${finals} finals.`);
  process.exitCode = 1;
  console.error(`Incomplete (${reason}): ${stats.committed} of ${total} samples are accounted for.`);
}

function listen() {
  clearTimeout(watchdog);
  watchdog = setTimeout(() => lose(1006, 'the server fell silent'), SILENCE_MS);
}

function show(partial) {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${clean(partial).slice(1 - process.stdout.columns)}`);
}

function readWav(file) {
  try {
    const bytes = readFileSync(file);
    const name = (at) => bytes.toString('latin1', at, at + 4);
    if (name(0) !== 'RIFF' || name(8) !== 'WAVE') throw new Error('it is not a WAV file');
    for (let at = 12, format; at + 8 <= bytes.length; at += 8 + bytes.readUInt32LE(at + 4) + (bytes[at + 4] % 2)) {
      const [body, size] = [at + 8, bytes.readUInt32LE(at + 4)];
      if (name(at) === 'fmt ') {
        const [channels, rate, bits] = [bytes.readUInt16LE(body + 2), bytes.readUInt32LE(body + 4), bytes.readUInt16LE(body + 14)];
        format = { channels, rate, bits };
      }
      if (name(at) === 'data' && format?.bits === 16) return { ...format, pcm: bytes.subarray(body, body + size) };
    }
    throw new Error('it holds no 16-bit audio');
  } catch (error) {
    return quit(2, `${file} cannot be read: ${error.message}.`);
  }
}

function quit(code, sentence) {
  console.error(sentence);
  process.exit(code);
}
