// Short-lived tokens for the server's connections, where it asks for keys. The key stays in this tab, and no longer than it.

const PATH = 'v1/session-tokens';
const STORED = 'auricle-key';
const PREFIX = 'auricle.auth.'; // the subprotocol in which a token travels: browsers can set no headers
const UNAUTHORIZED_CODE = 4401;

export class Denied extends Error {
  constructor(message, code) {
    super(message);
    this.code = code; // of a WebSocket that is closed for the same reason
  }
}

export class SessionTokens {
  #base;
  #storage;
  #ask;
  #fetch;
  #prepared = undefined; // the answer for the next connection, once there is one

  // `ask(why)` resolves to a key that somebody has typed, or null where nobody wants to; `storage` is the tab's.
  constructor({ base, storage, ask, fetch = (...args) => globalThis.fetch(...args) }) {
    this.#base = base;
    this.#storage = storage;
    this.#ask = ask;
    this.#fetch = fetch;
  }

  // Resolves once the next connection has what it needs, after somebody has been asked for a key where one is wanted.
  async prepare() {
    while (this.#prepared === undefined) {
      try {
        this.#prepared = await this.#request();
      } catch (error) {
        if (error.code === UNAUTHORIZED_CODE) await this.askForKey(error.message);
        else if (error.code) throw error;
        else return; // nobody answers: the connection will say so
      }
    }
  }

  // What was prepared is for no connection: until the next one it would be too old.
  forget() {
    this.#prepared = undefined;
  }

  // Asks for a key and keeps it for this tab; throws `Denied` where nobody gives one.
  async askForKey(why) {
    this.#storage.removeItem(STORED);
    const key = await this.#ask(why);
    if (!key) throw new Denied('Without a key there are no words: this server wants one.', UNAUTHORIZED_CODE);
    this.#storage.setItem(STORED, key);
  }

  // The subprotocols of a connection that begins now.
  async subprotocols() {
    const token = this.#prepared === undefined ? await this.#request() : this.#prepared;
    this.#prepared = undefined;
    return token === null ? [] : [`${PREFIX}${base64url(token)}`];
  }

  // The headers of a request of this page.
  get headers() {
    const key = this.#storage.getItem(STORED);
    return key === null ? {} : { authorization: `Bearer ${key}` };
  }

  // A token, or null where none is needed; throws `Denied`, and what `fetch` throws.
  async #request() {
    const response = await this.#fetch(new URL(PATH, this.#base), { method: 'POST', headers: this.headers });
    if (response.status === 204) return null;
    const body = await response.json().catch(() => ({}));
    if (response.ok) return body.token;
    const code = response.status === 401 || response.status === 403 ? 4000 + response.status : 1013;
    throw new Denied(body.detail ?? `The server answers ${response.status}.`, code);
  }
}

function base64url(text) {
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/u, '');
}
