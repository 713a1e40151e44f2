// The client's side of auricle.v1 (docs/protocol.md), without I/O and without a clock.
//
// What happens comes in by methods, with `now` in seconds. What is to be done goes out by the port:
//   port.open(delayS)   open a connection, then call `opened`
//   port.send(data)     a string is a text frame, an ArrayBuffer a binary one
//   port.drop(code)     close the present connection; nothing of it is listened to any more
//   port.emit(event)    for the application: the server's messages, and `interrupted`, `returned`, `restarted`, `ended`
// The last event is always `ended`, and there is one.

import { Accounts } from './accounts.mjs';

export const CONNECT_TIMEOUT_S = 10;
export const READY_TIMEOUT_S = 15;
export const SILENCE_TIMEOUT_S = 60;
export const DRAIN_SILENCE_S = 15;
export const STALL_TIMEOUT_S = 120;
export const LOAD_TIMEOUT_S = 900;
export const PING_INTERVAL_S = 5; // the protocol asks for 20: this shows the round trip, too
export const RECONNECT_TIMEOUT_S = 60;
export const MAX_RECONNECTS = 30;
export const RECONNECT_RESET_S = 10;
const RECONNECT_MIN_S = 0.1;
const RECONNECT_MAX_S = 5;
const RING_S = 60; // audio kept that the server has and has not decided, in case it loses it
const FRAME_S = 0.1;
const ABORT_CODE = 4400; // a browser may not say 1002; after either the session is over
const RETURN_CODE = 4500; // after this it is not
const GONE = ['session_gone', 'bad_token']; // this session cannot be had back, and a new one may go on for it
const LATE_TICK_S = 3; // a tick this late: our own page was blocked, and what waits on the wire is read first

const mayReturn = (code) => [1001, 1005, 1006, 1011, 1012, 1013, 4408].includes(code) || (code >= 4500 && code <= 4999);

export class Session {
  #port;
  #random;
  #config;
  #error = null; // a fatal one, until its `closed`
  #began = 0; // when each of these last happened, in seconds
  #connected = 0;
  #heard = 0;
  #said = 0;
  #pinged = 0;
  #proven = 0;
  #moved = 0;
  #ticked = 0;
  #grace = 0;
  #lost = null;
  #wasUp = false;
  #failures = 0;
  #returns = 0;
  #session = null;
  #token = null;
  #seen = 0;
  #toldSeen = 0;
  #attached = false; // `ready` or `resumed` has come on this connection
  #endSaid = false; // on this connection
  #cancelled = false;

  // The node that has the session, once its id names one: a proxy may send a return there. Null before, and without.
  get node() {
    return (this.#token && /^([\w-]{1,24})\./.exec(this.#session)?.[1]) ?? null;
  }

  // `config` holds the fields of `start` but `audio`; `audio` is an AudioStore, which others append to.
  constructor({ audio, config, port, random = Math.random }) {
    this.audio = audio;
    this.accounts = new Accounts();
    this.phase = 'connecting'; // connecting, open, draining, closed
    this.link = 'down'; // down, opening, up
    this.inputEnd = false; // our side has said that there is no more audio
    this.sent = 0;
    this.credit = 0;
    this.received = 0;
    this.processed = 0;
    this.roundTripS = null;
    this.#port = port;
    this.#config = config;
    this.#random = random;
  }

  // ---------------------------------------------------------------- what the application does

  begin(now) {
    this.#began = this.#ticked = now;
    this.#open(0, now);
  }

  audioArrived(now) {
    this.#pump(now);
  }

  endInput(now) {
    if (this.phase === 'closed') return;
    this.inputEnd = true;
    this.#pump(now);
  }

  // What is not final is not wanted.
  cancel(now) {
    if (this.phase === 'closed' || this.#cancelled) return;
    this.#cancelled = true;
    if (this.link === 'up' && (this.#attached || this.#token)) this.#say({ type: 'cancel' }, now);
    else this.#finish('cancelled', 'Cancelled.', false);
  }

  // ---------------------------------------------------------------- what the connection does

  opened(now) {
    this.link = 'up';
    this.#wasUp = true;
    this.#connected = this.#heard = this.#proven = this.#moved = this.#pinged = now;
    if (this.#token) {
      this.#returns += 1;
      const [session, token, seen] = [this.#session, this.#token, this.#seen];
      this.#say({ type: 'resume', session, token, seen, sent: this.sent, attempt: this.#returns }, now);
    } else {
      this.#say(this.#start(), now);
    }
  }

  heard(text, now) {
    if (this.phase === 'closed') return;
    this.#heard = now;
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return this.#violated('The server sent something that is no message.');
    }
    const returning = this.#token !== null && !this.#attached;
    if (message.seq !== undefined && !returning) {
      if (message.seq !== this.#seen + 1) return this.#violated(`Message ${this.#seen + 1} of the server is missing.`);
      this.#seen = message.seq;
    }
    const wrong = this.#hear(message, returning, now);
    if (wrong) return this.#violated(wrong);
    if (this.phase !== 'closed' && this.#seen - this.#toldSeen >= 32) this.#ping(now);
    return undefined;
  }

  // The connection is gone, or could not be made.
  lost(code, now) {
    if (this.phase === 'closed') return;
    this.link = 'down';
    this.#endSaid = this.#attached = false;
    if (this.#cancelled) return this.#finish('cancelled', 'Cancelled.', false);
    if (!this.#wasUp) return this.#finish('refused', 'There is no connection to the server: is it running?', false);
    if (this.phase !== 'connecting' && !this.#token) {
      return this.#finish('lost', 'The connection is lost, and this server does not keep sessions.', false);
    }
    if (!mayReturn(code)) return this.#finish('lost', `The server closed the connection (${code}).`, false);
    if (this.#failures >= MAX_RECONNECTS) return this.#finish('lost', 'The server could not be reached again.', false);
    if (this.#lost === null) {
      this.#lost = now;
      this.#port.emit({ type: 'interrupted', code });
    }
    const delay = Math.min(RECONNECT_MAX_S, RECONNECT_MIN_S * 2 ** this.#failures) * this.#random();
    this.#failures += 1;
    return this.#open(Math.max(delay, this.#error?.retry_after_ms ? this.#error.retry_after_ms / 1000 : 0), now);
  }

  // ---------------------------------------------------------------- time: called a few times a second

  tick(now) {
    if (this.phase === 'closed') return;
    if (now - this.#ticked > LATE_TICK_S) this.#grace = now + LATE_TICK_S;
    this.#ticked = now;
    if (now < this.#grace) return;
    if (this.#lost !== null && now - this.#lost > RECONNECT_TIMEOUT_S) {
      this.#finish('lost', `The server could not be reached again within ${RECONNECT_TIMEOUT_S} s.`, true);
    } else if (this.#isSilent(now)) {
      this.#port.drop(RETURN_CODE);
      this.lost(1006, now);
    } else if (this.#isStuck(now)) {
      this.#finish('stuck', 'The server is there, and its work does not move: given up.', true);
    } else if (this.link === 'up' && this.#attached) {
      if (now - this.#connected > RECONNECT_RESET_S && this.#proven > this.#connected) this.#failures = this.#returns = 0;
      if (now - this.#pinged >= PING_INTERVAL_S) this.#ping(now);
    }
  }

  #isSilent(now) {
    if (this.link === 'opening') return now - this.#connected > CONNECT_TIMEOUT_S;
    if (this.link === 'down') return false;
    if (!this.#attached) return now - this.#heard > READY_TIMEOUT_S;
    const silence = this.phase === 'draining' ? DRAIN_SILENCE_S : SILENCE_TIMEOUT_S;
    return now - this.#heard > silence || (this.phase === 'open' && now - this.#proven > SILENCE_TIMEOUT_S);
  }

  #isStuck(now) {
    if (this.link !== 'up') return false;
    if (this.phase === 'connecting') return now - this.#began > LOAD_TIMEOUT_S + READY_TIMEOUT_S;
    if (!this.#attached) return false;
    const { deadline } = this.accounts;
    if (this.phase === 'draining') return deadline > 0 && now - this.#moved > deadline + DRAIN_SILENCE_S;
    const waits = this.sent < this.audio.end || (this.inputEnd && this.#endSaid);
    return waits && now - this.#moved > STALL_TIMEOUT_S + DRAIN_SILENCE_S;
  }

  // ---------------------------------------------------------------- the server's messages

  // Returns a sentence where the message breaks a guarantee.
  #hear(message, returning, now) {
    switch (message.type) {
      case 'ready':
        return this.#ready(message, now);
      case 'resumed':
        return this.#resumed(message, now);
      case 'ack':
        return this.#ack(message, now);
      case 'pong':
        this.#proven = now;
        if (typeof message.t === 'number') this.roundTripS = Math.max(0, now - message.t);
        return null;
      case 'error':
        if (message.fatal) this.#error = message;
        if (returning) return null; // it is about the return, and not of the session
        break;
      case 'input_ended':
        this.phase = 'draining';
        this.#proven = this.#moved = now;
        break;
      case 'closed':
        return this.#closed(message, returning, now);
      case 'final':
      case 'partial':
        if (this.phase === 'connecting') return `A ${message.type} came before the session was ready.`;
        break;
      default:
    }
    const before = this.accounts.committed;
    const wrong = this.accounts.take(message);
    if (wrong) return wrong;
    if (this.accounts.committed > before) this.#moved = now;
    this.#port.emit(message);
    return null;
  }

  #ready(message, now) {
    if (this.phase !== 'connecting') return 'The session was ready already.';
    this.#session = message.session;
    this.#token = message.resume?.token ?? null;
    this.phase = 'open';
    this.#attach(message, this.accounts.origin, now);
    this.#port.emit(message);
    return this.#pump(now);
  }

  #resumed(message, now) {
    if (this.#attached) return 'The session had not been asked for.';
    if (message.next > this.sent || message.next < this.audio.begin) return 'The server wants audio that it cannot.';
    const event = {
      type: 'returned',
      awayS: now - (this.#lost ?? now),
      againS: (this.sent - message.next) / this.audio.rate, // had been sent, and did not arrive
      waitedS: (this.audio.end - this.sent) / this.audio.rate, // came meanwhile
    };
    this.#token = message.token;
    this.#attach(message, message.next, now);
    if (['draining', 'closed'].includes(message.state)) this.phase = 'draining'; // audio would only be late
    this.#port.emit(event);
    return this.#pump(now);
  }

  #attach(message, position, now) {
    this.#attached = true;
    this.#lost = null;
    this.#error = null;
    this.credit = message.credit;
    this.sent = position;
    this.#proven = this.#moved = now;
    this.#ping(now);
  }

  #ack(message, now) {
    if (message.received < this.received || message.processed < this.processed) return 'A watermark went back.';
    if (message.received > this.received) this.#proven = now;
    if (message.received > this.received || message.processed > this.processed) this.#moved = now;
    this.credit = Math.max(this.credit, message.credit);
    this.received = message.received;
    this.processed = message.processed;
    const undecided = Math.max(this.accounts.committed, message.discard_before - RING_S * this.audio.rate);
    this.audio.forget(Math.min(message.discard_before, undecided));
    this.#port.emit(message);
    return this.#pump(now);
  }

  #closed(message, returning, now) {
    const error = this.#error;
    if (returning && error && GONE.includes(error.code) && this.accounts.endedBy !== 'server') {
      return this.#restart(now);
    }
    if (returning && error?.retriable && !GONE.includes(error.code)) {
      this.#port.drop(RETURN_CODE);
      return this.lost(1006, now);
    }
    if (error) return this.#finish(error.code, error.message, false);
    const wrong = this.accounts.disagreement(message, this.audio.end, this.inputEnd);
    return this.#finish(message.reason, wrong ?? 'Every sample is accounted for.', false, wrong === null, message.stats);
  }

  // The server has lost the session: a new one goes on from what is committed.
  #restart(now) {
    const from = Math.max(this.accounts.committed, this.audio.begin);
    const lostS = (from - this.accounts.committed) / this.audio.rate;
    this.accounts.restart(from);
    this.#token = this.#error = null;
    this.#seen = this.#toldSeen = this.#returns = 0;
    this.received = this.processed = this.sent = from;
    this.phase = 'connecting';
    this.#began = now;
    this.#port.emit({ type: 'restarted', lostS });
    this.#port.drop(RETURN_CODE);
    return this.lost(1006, now);
  }

  // ---------------------------------------------------------------- what is said

  #start() {
    const audio = { encoding: 'pcm_s16le', sample_rate: this.audio.rate, channels: 1 };
    const { origin, finals } = this.accounts;
    const goesOn = origin || finals ? { timeline_origin: origin, segment_origin: finals } : {};
    return { type: 'start', audio, ...this.#config, ...goesOn };
  }

  // Sends what credit allows, and the end of input behind all audio.
  #pump(now) {
    if (!this.#attached || this.phase !== 'open' || this.#cancelled) return null;
    const allowed = Math.min(this.credit, this.audio.end);
    const frame = Math.ceil(this.audio.rate * FRAME_S);
    while (this.sent < allowed) {
      const end = Math.min(this.sent + frame, allowed);
      this.#port.send(this.audio.read(this.sent, end));
      this.sent = end;
      this.#said = this.#moved = now;
    }
    if (this.inputEnd && !this.#endSaid && this.sent === this.audio.end) {
      this.#endSaid = true;
      this.#say({ type: 'end_input', total: this.sent }, now);
    }
    return null;
  }

  #ping(now) {
    this.#pinged = now;
    this.#toldSeen = this.#seen;
    this.#say({ type: 'ping', t: now, seen: this.#seen }, now);
  }

  #say(message, now) {
    this.#said = now;
    this.#port.send(JSON.stringify(message));
  }

  // ---------------------------------------------------------------- connections, and the end

  #open(delayS, now) {
    this.link = 'opening';
    this.#connected = now + delayS;
    this.#port.open(delayS);
    return null;
  }

  #violated(sentence) {
    return this.#finish('protocol_violation', sentence, true);
  }

  // `drops`: the connection is given up; otherwise the server's Close frame follows and the browser answers it.
  #finish(reason, sentence, drops, complete = false, stats = null) {
    this.phase = 'closed';
    this.link = 'down';
    if (drops) this.#port.drop(ABORT_CODE);
    this.#port.emit({ type: 'ended', reason, complete, message: sentence, stats });
    return null;
  }
}
