// The session of the page, on a clock and a port that the test holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AudioStore } from '../../../server/auricle/server/web/audio_store.mjs';
import { Session, PING_INTERVAL_S, RECONNECT_TIMEOUT_S, SILENCE_TIMEOUT_S } from '../../../server/auricle/server/web/session.mjs';

const RATE = 16_000;
const STATS = { non_speech: 0, dropped: 0, gap: 0, late: 0, segments: 0 };

class Bench {
  constructor({ samples = 0 } = {}) {
    this.now = 0;
    this.out = []; // what was said on the present connection
    this.opens = [];
    this.drops = [];
    this.events = [];
    this.audio = new AudioStore(RATE);
    const port = {
      open: (delayS) => this.opens.push(delayS),
      send: (data) => this.out.push(typeof data === 'string' ? JSON.parse(data) : { samples: data.byteLength / 2 }),
      drop: (code) => this.drops.push(code),
      emit: (event) => this.events.push(event),
    };
    this.session = new Session({ audio: this.audio, config: { language: 'en' }, port, random: () => 1 });
    this.session.begin(0);
    this.seq = 0;
    if (samples) this.speak(samples);
  }

  speak(samples) {
    this.audio.append(new Int16Array(samples));
    this.session.audioArrived(this.now);
  }

  open() {
    this.out = [];
    this.session.opened(this.now);
  }

  hear(type, fields = {}) {
    this.session.heard(JSON.stringify({ type, ...fields }), this.now);
  }

  durable(type, fields = {}) {
    this.hear(type, { seq: ++this.seq, ...fields });
  }

  ready(credit = 480_000) {
    this.open();
    this.durable('ready', { session: 's', credit, resume: { token: 't1', window_ms: 30_000 } });
  }

  final(segment, from, to, text = 'words') {
    this.durable('final', { segment, text, start: 0, end: 1, confidence: 1, audio: [from, to], reason: 'endpoint' });
  }

  closed(total, stats = {}) {
    const counts = { received: total, processed: total, committed: total, ...STATS, ...stats };
    this.durable('closed', { reason: 'completed', code: 1000, complete: true, stats: counts });
  }

  pass(seconds, step = 0.25) { // time goes by, and the server is heard where it says `pong`
    for (const end = this.now + seconds; this.now < end;) {
      this.now += step;
      this.session.tick(this.now);
    }
  }

  lose(code = 1006) {
    this.session.lost(code, this.now);
  }

  get sentAudio() {
    return this.out.reduce((sum, each) => sum + (each.samples ?? 0), 0);
  }

  said(type) {
    return this.out.filter((each) => each.type === type);
  }

  get ending() {
    return this.events.find((event) => event.type === 'ended');
  }
}

test('says start first, with the rate of its audio', () => {
  const bench = new Bench();
  bench.open();
  assert.deepEqual(bench.out, [
    { type: 'start', audio: { encoding: 'pcm_s16le', sample_rate: RATE, channels: 1 }, language: 'en' },
  ]);
});

test('sends no audio before ready, and never beyond the credit', () => {
  const bench = new Bench({ samples: 50_000 });
  bench.open();
  assert.equal(bench.sentAudio, 0);
  bench.durable('ready', { session: 's', credit: 20_001, resume: { token: 't1' } });
  assert.equal(bench.sentAudio, 20_001);
  bench.hear('ack', { received: 20_001, processed: 9_000, committed: 0, credit: 30_000, discard_before: 0 });
  assert.equal(bench.sentAudio, 30_000);
});

test('an ack that comes late takes no credit away', () => {
  const bench = new Bench();
  bench.ready(30_000);
  bench.hear('ack', { received: 0, processed: 0, committed: 0, credit: 20_000, discard_before: 0 });
  bench.speak(40_000);
  assert.equal(bench.sentAudio, 30_000);
});

test('says end_input once, behind all audio', () => {
  const bench = new Bench({ samples: 40_000 });
  bench.ready(30_000);
  bench.session.endInput(0);
  bench.session.endInput(0);
  assert.equal(bench.said('end_input').length, 0);
  bench.hear('ack', { received: 30_000, processed: 20_000, committed: 0, credit: 50_000, discard_before: 0 });
  bench.session.endInput(0);
  assert.deepEqual(bench.out.at(-1), { type: 'end_input', total: 40_000 });
  assert.equal(bench.said('end_input').length, 1);
});

test('a stream is complete where the accounts agree', () => {
  const bench = new Bench({ samples: 16_000 });
  bench.ready();
  bench.session.endInput(0);
  bench.durable('input_ended', { received: 16_000, by: 'client', deadline_ms: 30_000 });
  bench.final(0, 0, 12_000);
  bench.closed(16_000, { segments: 1, non_speech: 4_000 });
  assert.equal(bench.ending.complete, true);
  assert.equal(bench.events.filter(({ type }) => type === 'ended').length, 1);
  bench.lose(1000);
  assert.equal(bench.events.at(-1).type, 'ended');
});

for (const [why, stats] of [
  ['a sample is missing', { committed: 15_999, segments: 1, non_speech: 4_000 }],
  ['a final is missing', { segments: 2, non_speech: 4_000 }],
  ['the sum is wrong', { segments: 1, non_speech: 3_999 }],
  ['audio was dropped', { segments: 1, non_speech: 4_000, dropped: 1 }],
]) {
  test(`a claim to be complete is not believed where ${why}`, () => {
    const bench = new Bench({ samples: 16_000 });
    bench.ready();
    bench.session.endInput(0);
    bench.final(0, 0, 12_000);
    bench.closed(16_000, stats);
    assert.equal(bench.ending.complete, false);
  });
}

test('comes back with what it has seen, and sends again from where the server is', () => {
  const bench = new Bench({ samples: 32_000 });
  bench.ready();
  bench.final(0, 0, 8_000);
  bench.lose();
  assert.deepEqual(bench.opens, [0, 0.1]);
  bench.speak(1_000); // while there is no connection
  bench.now = 1.5;
  bench.open();
  assert.deepEqual(bench.out, [{ type: 'resume', session: 's', token: 't1', seen: 2, sent: 32_000, attempt: 1 }]);
  bench.hear('resumed', { session: 's', next: 24_000, state: 'streaming', credit: 480_000, token: 't2' });
  assert.equal(bench.sentAudio, 9_000);
  const { awayS, againS, waitedS } = bench.events.find(({ type }) => type === 'returned');
  assert.deepEqual([awayS, againS, waitedS], [1.5, 0.5, 0.0625]);
  bench.lose();
  bench.open();
  assert.equal(bench.out[0].token, 't2');
});

test('says end_input again where the server had not confirmed it', () => {
  const bench = new Bench({ samples: 1_000 });
  bench.ready();
  bench.session.endInput(0);
  bench.lose();
  bench.open();
  bench.hear('resumed', { session: 's', next: 1_000, state: 'streaming', credit: 480_000, token: 't2' });
  assert.equal(bench.said('end_input').length, 1);
});

test('sends nothing that would be late to a server that drains already', () => {
  const bench = new Bench({ samples: 9_000 });
  bench.ready();
  bench.lose();
  bench.open();
  bench.hear('resumed', { session: 's', next: 4_000, state: 'draining', credit: 480_000, token: 't2' });
  assert.equal(bench.sentAudio, 0);
});

test('goes on in a new session where the old one is gone, from what is committed', () => {
  const bench = new Bench({ samples: 32_000 });
  bench.ready();
  bench.final(0, 0, 16_000);
  bench.lose();
  bench.open();
  bench.hear('error', { seq: 1, code: 'session_gone', message: 'gone', fatal: true, retriable: true });
  bench.hear('closed', { seq: 2, reason: 'error', code: 4410, complete: false, stats: {} });
  bench.open();
  const { timeline_origin: origin, segment_origin: segments } = bench.out[0];
  assert.deepEqual([origin, segments], [16_000, 1]);
  bench.seq = 0;
  bench.durable('ready', { session: 's2', credit: 496_000, resume: { token: 'u1' } });
  assert.equal(bench.sentAudio, 16_000);
  bench.session.endInput(0);
  bench.final(1, 16_000, 32_000);
  bench.closed(32_000, { segments: 2 });
  assert.equal(bench.ending.complete, true);
});

test('keeps what is not committed, and forgets the rest', () => {
  const bench = new Bench();
  bench.ready();
  for (let second = 0; second < 4; second += 1) bench.speak(RATE);
  bench.final(0, 0, 32_000);
  bench.hear('ack', { received: 64_000, processed: 64_000, committed: 32_000, credit: 500_000, discard_before: 64_000 });
  assert.equal(bench.audio.begin, 32_000);
});

for (const [what, act] of [
  ['a message is missing', (bench) => { bench.seq += 1; bench.final(0, 0, 100); }],
  ['a final leaves a hole', (bench) => bench.final(0, 1, 100)],
  ['a final breaks a promise', (bench) => {
    bench.hear('partial', { segment: 0, rev: 1, text: 'hello there', start: 0, end: 1, stable: 5 });
    bench.final(0, 0, 100, 'help');
  }],
  ['a watermark goes back', (bench) => {
    bench.hear('ack', { received: 10, processed: 10, committed: 0, credit: 20, discard_before: 0 });
    bench.hear('ack', { received: 9, processed: 9, committed: 0, credit: 20, discard_before: 0 });
  }],
  ['something is no message', (bench) => bench.session.heard('}', 0)],
]) {
  test(`ends where ${what}`, () => {
    const bench = new Bench({ samples: 16_000 });
    bench.ready();
    act(bench);
    assert.equal(bench.ending.reason, 'protocol_violation');
    assert.deepEqual(bench.drops, [4400]);
  });
}

test('promises count code points, not UTF-16 units', () => {
  for (const [text, kept] of [['𝄞𝄞 and then', true], ['𝄞x', false]]) {
    const bench = new Bench({ samples: 16_000 });
    bench.ready();
    bench.hear('partial', { segment: 0, rev: 1, text: '𝄞𝄞 and so', start: 0, end: 1, stable: 2 });
    bench.final(0, 0, 100, text);
    assert.equal(bench.ending === undefined, kept);
  }
});

test('unknown messages are ignored', () => {
  const bench = new Bench();
  bench.ready();
  bench.hear('applause', { volume: 11 });
  bench.durable('turn_end', {});
  assert.equal(bench.ending, undefined);
});

test('pings while nothing else is said, and measures the round trip', () => {
  const bench = new Bench();
  bench.ready();
  bench.out = [];
  bench.pass(PING_INTERVAL_S);
  const [ping] = bench.said('ping');
  assert.deepEqual(ping.seen, 1);
  bench.now += 0.05;
  bench.hear('pong', { now: 1, t: ping.t });
  assert.ok(Math.abs(bench.session.roundTripS - 0.05) < 1e-9);
});

test('a server that falls silent counts as lost, and is connected to again', () => {
  const bench = new Bench();
  bench.ready();
  bench.pass(SILENCE_TIMEOUT_S + 1);
  assert.equal(bench.drops.length, 1);
  assert.equal(bench.opens.length, 2);
  assert.equal(bench.ending, undefined);
});

test('passes no verdict on the server after its own page was blocked', () => {
  const bench = new Bench();
  bench.ready();
  bench.now = SILENCE_TIMEOUT_S + 100;
  bench.session.tick(bench.now);
  assert.equal(bench.drops.length, 0);
});

test('gives up a server that does not come back', () => {
  const bench = new Bench();
  bench.ready();
  bench.lose();
  while (!bench.ending && bench.now < 10 * RECONNECT_TIMEOUT_S) {
    bench.pass(6);
    if (!bench.ending && bench.session.link === 'opening') bench.lose();
  }
  assert.equal(bench.ending.reason, 'lost');
  assert.ok(Math.max(...bench.opens) <= 5);
});

test('a server that is not there is told at once', () => {
  const bench = new Bench();
  bench.lose();
  assert.equal(bench.ending.reason, 'refused');
});

test('does not come back after a code that says not to', () => {
  const bench = new Bench();
  bench.ready();
  bench.lose(4409);
  assert.equal(bench.ending.reason, 'lost');
});

test('a refusal is told in the words of the server', () => {
  const bench = new Bench();
  bench.open();
  bench.durable('error', { code: 'capacity', message: 'the server is full', fatal: true, retriable: true });
  bench.durable('closed', { reason: 'error', code: 4503, complete: false, stats: {} });
  assert.deepEqual([bench.ending.reason, bench.ending.message], ['capacity', 'the server is full']);
});

test('cancel is said, and ends at once where nobody hears it', () => {
  const bench = new Bench({ samples: 100 });
  bench.ready();
  bench.session.cancel(0);
  assert.deepEqual(bench.out.at(-1), { type: 'cancel' });
  bench.lose();
  assert.equal(bench.ending.reason, 'cancelled');
});

test('tells the server what it has seen, so that it need not keep that', () => {
  const bench = new Bench();
  bench.ready();
  bench.out = [];
  for (let count = 0; count < 40; count += 1) bench.durable('warning', { code: 'x', message: 'x' });
  assert.deepEqual(bench.said('ping').map(({ seen }) => seen), [33]);
});
