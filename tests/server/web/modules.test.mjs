// The small modules of the page that need no browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AudioStore } from '../../../server/auricle/server/web/audio_store.mjs';
import { cues, json, srt, text, vtt } from '../../../server/auricle/server/web/formats.mjs';
import { whyNoMicrophone } from '../../../server/auricle/server/web/microphone.mjs';
import { Peaks } from '../../../server/auricle/server/web/peaks.mjs';
import { droppedFiles, isRecording } from '../../../server/auricle/server/web/dropped.mjs';
import { cancel, mixed } from '../../../server/auricle/server/web/recording.mjs';
import { heardByServer } from '../../../server/auricle/server/web/upload.mjs';

const samples = (...values) => Int16Array.from(values);
const word = (said, start, end, confidence = 0.9) => ({ text: said, start, end, confidence });

function final(segment, words, language = 'en') {
  const said = words.map((each) => each.text).join(' ');
  const [start, end] = [words[0].start, words.at(-1).end];
  return { segment, text: said, start, end, confidence: 0.9, audio: [0, 1], words, language };
}

test('audio is read across chunks, little-endian', () => {
  const store = new AudioStore(16_000);
  store.append(samples(1, 2));
  store.append(samples());
  store.append(samples(3, -4, 5));
  assert.deepEqual([...new Uint8Array(store.read(1, 4))], [2, 0, 3, 0, 252, 255]);
  assert.equal(store.end, 5);
});

test('audio that is forgotten is gone, and positions stay', () => {
  const store = new AudioStore(16_000);
  for (const value of [1, 2, 3]) store.append(samples(value, value));
  store.forget(3);
  assert.equal(store.begin, 2);
  assert.deepEqual([...new Int16Array(store.read(3, 5))], [2, 3]);
  assert.throws(() => store.read(1, 3), RangeError);
  assert.throws(() => store.read(4, 7), RangeError);
  store.forget(6);
  assert.equal(store.begin, 6);
});

test('every range of any chunks reads as the whole would', () => {
  const store = new AudioStore(16_000);
  for (const size of [1, 3, 2, 5]) store.append(Int16Array.from({ length: size }, (_, index) => store.end + index));
  for (let from = 0; from <= store.end; from += 1) {
    for (let to = from; to <= store.end; to += 1) {
      const expected = Array.from({ length: to - from }, (_, index) => from + index);
      if (to > from) assert.deepEqual([...new Int16Array(store.read(from, to))], expected);
    }
  }
});

test('peaks are the loudest of their time', () => {
  const peaks = new Peaks(1_000); // 20 samples a step
  const audio = new Int16Array(60);
  audio[25] = -32_767;
  peaks.append(audio.subarray(0, 33));
  peaks.append(audio.subarray(33));
  assert.deepEqual([peaks.between(0, 0.02), peaks.between(0.02, 0.04), peaks.between(0.04, 9)], [0, 1, 0]);
});

test('channels are mixed, and clipped', () => {
  assert.deepEqual([...mixed([[1, -1, 0.5], [1, -1, -0.5]])], [32_767, -32_767, 0]);
  assert.deepEqual([...mixed([[2]])], [32_767]);
});

test('a transcript as text leaves out what is empty', () => {
  assert.equal(text({ finals: [final(0, [word('One', 0, 1)]), final(1, [word(' ', 1, 2)])] }), 'One\n');
});

test('subtitles break at pauses, at sentences, and where a line is full', () => {
  const finals = [
    final(0, [word('Hello', 0.5, 1), word('there.', 1, 1.5), word('Later.', 9, 9.1)]),
    final(1, Array.from({ length: 30 }, (_, index) => word('lengthy', 10 + index / 4, 10.2 + index / 4))),
  ];
  const all = cues(finals);
  assert.deepEqual(all[0].lines, ['Hello there.']);
  assert.equal(all[1].start, 9);
  for (const [index, cue] of all.entries()) {
    assert.ok(cue.lines.every((line) => line.length <= 42) && cue.lines.length <= 2);
    assert.ok(cue.end > cue.start && cue.end - cue.start <= 7.01);
    if (index) assert.ok(all[index - 1].end < cue.start);
  }
  assert.equal(all.flatMap((cue) => cue.lines).join(' '), finals.map((each) => each.text).join(' '));
});

test('SRT and WebVTT are written as they are read', () => {
  const finals = [final(0, [word('<b>', 3599.9996, 3601)])];
  assert.equal(srt({ finals }), '1\n01:00:00,000 --> 01:00:01,000\n<b>\n');
  assert.equal(vtt({ finals }), 'WEBVTT\n\n01:00:00.000 --> 01:00:01.000\n&lt;b&gt;\n');
});

test('JSON names the language that was spoken most', () => {
  const finals = [final(0, [word('ja', 0, 1)], 'de'), final(1, [word('yes', 1, 3)])];
  const engine = { name: 'whisper', model: 'base' };
  const document = JSON.parse(json({ file: 'a', finals, durationS: 3, complete: true, accounting: null, engine }));
  assert.deepEqual([document.language, document.text, document.partial], ['en', 'ja yes', false]);
  assert.deepEqual(document.engine, { name: 'whisper', version: null, model: 'base', device: null });
});

test('a page that is not secure says in one sentence why there is no microphone', () => {
  const page = (isSecureContext, mediaDevices) =>
    whyNoMicrophone({ isSecureContext, location: { origin: 'http://box:8765', port: '8765' }, navigator: { mediaDevices } });
  assert.equal(page(true, {}), null);
  assert.match(page(false, undefined), /secure pages only.*http:\/\/localhost:8765\//u);
  assert.equal(page(false, undefined).match(/\./gu).length, 1);
  assert.match(page(true, undefined), /recordings work/u);
});

const fileEntry = (name, type = '') => ({
  name, isDirectory: false, file: (resolve) => resolve({ name, type }),
});

function folderEntry(name, ...children) {
  return {
    name,
    isDirectory: true,
    createReader() {
      const left = [...children];
      return { readEntries: (resolve) => resolve(left.splice(0, 1)) }; // browsers give a hundred at most
    },
  };
}

const transfer = (...entries) => ({
  items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })),
  files: entries.map(({ name }) => ({ name, type: '' })),
});

test('what is dropped by itself may be anything, and in folders recordings are looked for', async () => {
  const names = async (...entries) => (await droppedFiles(transfer(...entries))).map(({ name }) => name);
  assert.deepEqual(await names(fileEntry('notes.txt'), fileEntry('talk')), ['notes.txt', 'talk']);
  const folder = folderEntry('calls', fileEntry('c.amr'), folderEntry('b', fileEntry('x.wav'), fileEntry('x.txt')),
    folderEntry('.trash', fileEntry('old.wav')), fileEntry('a.weird', 'audio/x-weird'), fileEntry('.hidden.wav'));
  assert.deepEqual(await names(folder, fileEntry('notes.txt')), ['a.weird', 'x.wav', 'c.amr', 'notes.txt']);
  assert.deepEqual(await names(folderEntry('empty')), []);
  assert.deepEqual(['talk.OPUS', 'talk.wma', 'talk.txt', 'mp3'].map((name) => isRecording({ name, type: '' })),
    [true, true, false, false]);
});

test('channels that are their opposite cancel each other, and strangers, twins and silence do not', () => {
  const voice = Float32Array.from({ length: 32_000 }, (_, at) => 0.3 * Math.sin(at / 7));
  const other = Float32Array.from({ length: 32_000 }, (_, at) => 0.3 * Math.sin(at / 5));
  const opposite = voice.map((sample) => -sample);
  const silence = new Float32Array(32_000);
  assert.ok(cancel([voice, opposite]));
  for (const channels of [[voice], [voice, voice], [voice, other], [voice, silence], [silence, silence]]) {
    assert.ok(!cancel(channels));
  }
});

test('the server hears a file by its name, and what it says of it has that name', async () => {
  const file = { name: 'note.amr', size: 9 };
  const asked = [];
  const server = (status, body, headers = {}) => async (url, options) => {
    asked.push([String(url), options.method, options.body, options.headers]);
    return new Response(body, { status, headers });
  };
  const hear = (fetch) => heardByServer({
    file, language: 'de', base: 'http://box/here/', headers: { authorization: 'Bearer k' }, fetch,
  });
  const heard = await hear(server(200, '{"text": "ja"}', { 'Auricle-Warning': 'Cannot read the upload%3A it is cut short.' }));
  assert.deepEqual(heard, { document: { text: 'ja' }, warning: 'Cannot read note.amr: it is cut short.' });
  const address = 'http://box/here/v1/transcribe?format=json&language=de';
  assert.deepEqual(asked, [[address, 'POST', file, { authorization: 'Bearer k' }]]);
  assert.equal((await hear(server(200, '{}'))).warning, null);
  await assert.rejects(hear(server(400, '{"detail": "Cannot read the upload: it is empty."}')), /^Error: Cannot read note.amr: it is empty.$/u);
  await assert.rejects(heardByServer({ file: { name: 'note.amr', size: 0 } }), /^Error: Cannot read note.amr: it is empty; record or copy it again.$/u);
  await assert.rejects(hear(server(502, '<html>')), /did not take note.amr: it answers 502/u);
});
