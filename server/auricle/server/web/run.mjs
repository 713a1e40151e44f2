// One transcription: its audio, its session, and all that the page shows of it.

import { AudioStore } from './audio_store.mjs';
import { Link } from './link.mjs';
import { Peaks } from './peaks.mjs';

const BACKLOG_S = 60; // live audio that may wait to be sent before no more is taken

export class Run {
  #link = null;
  #request = null; // what aborts it
  #changed;

  // `onEvent` is given every event of the session.
  constructor({ name, rate, live, onEvent }) {
    this.name = name;
    this.live = live; // whether somebody is speaking just now
    this.audio = new AudioStore(rate);
    this.peaks = new Peaks(rate);
    this.finals = [];
    this.speech = []; // [from, to] in samples; to is null while it goes on
    this.partial = null;
    this.engine = null;
    this.language = null;
    this.delayS = null; // from the end of the words to their being shown
    this.beganAt = performance.now();
    this.overflowed = false;
    this.away = false; // whether the connection is lost
    this.ended = null;
    this.#changed = onEvent;
  }

  // `tokens` has what a connection needs to be let in.
  connect(url, config, tokens) {
    const subprotocols = () => tokens.subprotocols();
    this.#link = new Link({ url, audio: this.audio, config, subprotocols, onEvent: (event) => this.#happened(event) });
  }

  get session() {
    return this.#link?.session ?? null;
  }

  // Whether a request has the whole recording heard just now.
  get requesting() {
    return this.#request !== null;
  }

  append(samples) {
    if (this.ended || this.session?.inputEnd || this.overflowed) return;
    this.peaks.append(samples);
    this.audio.append(samples);
    this.#link?.audioArrived();
    if (this.live && this.session && this.seconds(this.audio.end - this.session.sent) > BACKLOG_S) {
      this.overflowed = true;
      this.#changed({ type: 'overflowed' });
    }
  }

  endInput() {
    this.#link?.endInput();
  }

  cancel() {
    this.session?.cancel(performance.now() / 1000);
    if (this.#request) this.#end({ complete: false, reason: 'cancelled', message: 'It was stopped.', stats: null });
  }

  // Has the whole recording heard in one request. `hear(signal)` resolves as heardByServer does.
  async request(hear) {
    this.#request = new AbortController();
    try {
      const { document, warning } = await hear(this.#request.signal);
      if (this.ended) return;
      this.#read(document);
      if (warning) this.#changed({ type: 'warning', message: warning.replace(/\.$/u, '') });
      const { complete, accounting } = document;
      this.#end({ complete, reason: 'completed', message: 'The transcript is not complete.', stats: accounting });
    } catch (error) {
      if (!this.ended) this.#end({ complete: false, reason: 'failed', message: error.message, stats: null });
    }
  }

  #read({ duration_s: durationS, engine, segments }) {
    this.audio.append(new Int16Array(Math.round(durationS * this.audio.rate))); // how it sounds is not known here
    this.#happened({ type: 'ready', server: engine });
    for (const segment of segments) {
      const audio = [segment.start, segment.end].map((timeS) => Math.round(timeS * this.audio.rate));
      this.#happened({ ...segment, type: 'final', audio });
    }
  }

  #end(event) {
    this.#request.abort();
    this.#request = null;
    this.#happened({ type: 'ended', ...event });
  }

  cut() {
    this.#link?.cut();
  }

  get durationS() {
    return this.seconds(this.audio.end);
  }

  // Seconds of audio that are there and have not been heard by the engine: what a slow server shows in.
  get backlogS() {
    if (!this.session) return 0;
    const upto = this.live ? this.audio.end : this.session.sent;
    return Math.max(0, this.seconds(upto - this.session.processed));
  }

  // Seconds of audio heard in each second since the beginning.
  get speed() {
    return this.session ? this.seconds(this.session.processed) / ((performance.now() - this.beganAt) / 1000) : 0;
  }

  // As formats.mjs takes it.
  get transcript() {
    return {
      file: this.name,
      finals: this.finals,
      durationS: this.durationS,
      complete: this.ended?.complete ?? false,
      accounting: this.ended?.stats ? this.#accounting(this.ended.stats) : null,
      engine: this.engine,
    };
  }

  seconds(samples) {
    return samples / this.audio.rate;
  }

  #accounting({ received, processed, committed, non_speech = 0, gap = 0, dropped = 0, late = 0, segments = 0, words = 0 }) {
    const counts = { received, processed, committed, non_speech, gap, dropped, late, segments, words };
    return { offered: this.audio.end, sent: this.session?.sent ?? received, ...counts };
  }

  #happened(event) {
    switch (event.type) {
      case 'ready':
        this.engine = event.server ?? null;
        break;
      case 'speech_start':
        this.speech.push([event.at, null]);
        break;
      case 'speech_end':
        if (this.speech.length) this.speech.at(-1)[1] = event.at;
        break;
      case 'partial':
        this.partial = event;
        this.#delay(event);
        break;
      case 'final':
        this.partial = null;
        this.finals.push(event);
        this.language = event.language ?? this.language;
        break;
      case 'restarted': // what was said of speech that goes on, and of words that may change, is void
        this.partial = null;
        if (this.speech.at(-1)?.[1] === null) this.speech.pop();
        break;
      case 'interrupted':
        this.away = true;
        break;
      case 'returned':
        this.away = false;
        break;
      case 'ended':
        this.partial = null;
        this.ended = event;
        break;
      default:
    }
    if (event.type === 'ready') this.away = false;
    this.#changed(event);
  }

  #delay({ end }) {
    if (this.live) this.delayS = Math.max(0, this.durationS - end);
  }
}
