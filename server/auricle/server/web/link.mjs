// One session over WebSockets and the browser's clock: all the I/O that the session does not do itself.

import { Session } from './session.mjs';

const TICK_MS = 250;
const CUT_CODE = 4500; // a code after which a client comes back
export const CUT_HOLD_S = 2.5; // a connection that was cut on purpose stays away long enough to be seen

export class Link {
  #url;
  #session;
  #socket = null;
  #opening = null;
  #ticks;
  #holdS = 0;
  #subprotocols;
  #attempt = 0; // connections that were begun, or given up while they waited for a token

  // `subprotocols` resolves to those that a connection offers beside the protocol's own: a token.
  constructor({ url, audio, config, onEvent, subprotocols = async () => [] }) {
    this.#url = url;
    this.#subprotocols = subprotocols;
    const emit = (event) => {
      if (event.type === 'ended') this.#stop();
      onEvent(event);
    };
    const port = {
      open: (delayS) => this.#open(delayS),
      send: (data) => this.#socket.send(data),
      drop: (code) => this.#drop(code),
      emit,
    };
    this.#session = new Session({ audio, config, port });
    this.#ticks = setInterval(() => this.#session.tick(now()), TICK_MS);
    this.#session.begin(now());
  }

  get session() {
    return this.#session;
  }

  audioArrived() {
    this.#session.audioArrived(now());
  }

  endInput() {
    this.#session.endInput(now());
  }

  // Cuts the connection as a network would: what is on its way is lost. The session comes back by itself.
  cut() {
    if (!this.#socket) return;
    this.#holdS = CUT_HOLD_S;
    this.#drop(CUT_CODE);
    this.#session.lost(1006, now());
  }

  #open(delayS) {
    const waitS = Math.max(delayS, this.#holdS);
    this.#holdS = 0;
    this.#opening = setTimeout(() => this.#connect(), 1000 * waitS);
  }

  async #connect() {
    const attempt = (this.#attempt += 1);
    let more;
    try {
      more = await this.#subprotocols();
    } catch (error) {
      if (attempt === this.#attempt) this.#session.lost(error.code ?? 1006, now());
      return;
    }
    if (attempt === this.#attempt) this.#openSocket(['auricle.v1', ...more]);
  }

  #openSocket(subprotocols) {
    const socket = new WebSocket(towards(this.#url, this.#session.node), subprotocols);
    const ifMine = (act) => (event) => this.#socket === socket && act(event); // what an older connection says is over
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onopen = ifMine(() => this.#session.opened(now()));
    socket.onmessage = ifMine(({ data }) => typeof data === 'string' && this.#session.heard(data, now()));
    socket.onclose = ifMine(({ code }) => {
      this.#socket = null;
      this.#session.lost(code, now());
    });
  }

  #drop(code) {
    this.#attempt += 1;
    clearTimeout(this.#opening);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(code);
  }

  #stop() {
    this.#attempt += 1;
    clearInterval(this.#ticks);
    clearTimeout(this.#opening);
  }
}

function towards(url, node) {
  const address = new URL(url);
  if (node) address.searchParams.set('node', node);
  return address;
}

function now() {
  return performance.now() / 1000;
}
