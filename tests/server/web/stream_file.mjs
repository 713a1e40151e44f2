// The page's session and link outside a browser: sends a raw recording, prints finals, and how it ended.
//
//   node stream_file.mjs FILE.s16le URL        (16 kHz; Node 20: node --experimental-websocket …)

import { readFileSync } from 'node:fs';

import { AudioStore } from '../../../server/auricle/server/web/audio_store.mjs';
import { Link } from '../../../server/auricle/server/web/link.mjs';

const [path, url] = process.argv.slice(2);
const bytes = readFileSync(path);
const audio = new AudioStore(16_000);
audio.append(new Int16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2));

const link = new Link({ url, audio, config: { language: 'en' }, onEvent });
link.endInput();

function onEvent(event) {
  if (event.type === 'final') console.log(event.text);
  if (['interrupted', 'returned', 'restarted'].includes(event.type)) console.error(event.type);
  if (event.type === 'ended') {
    console.log(event.message);
    process.exitCode = event.complete ? 0 : 1;
    setTimeout(() => process.exit(), 1000).unref(); // the Close frame is answered first
  }
}
