// Tokens of the page: asked for with the tab's key, fresh for every connection, and no word of a key beyond that.

import assert from 'node:assert/strict';
import test from 'node:test';

import { SessionTokens } from '../../../server/auricle/server/web/session_tokens.mjs';

class Storage {
  #items = new Map();
  getItem(name) {
    return this.#items.get(name) ?? null;
  }
  setItem(name, value) {
    this.#items.set(name, value);
  }
  removeItem(name) {
    this.#items.delete(name);
  }
}

function page({ key = null, wanted = 'right', answers = [] } = {}) {
  const asked = [];
  const requests = [];
  const storage = new Storage();
  if (key) storage.setItem('auricle-key', key);
  const fetch = async (url, { method, headers }) => {
    requests.push([String(url), method, headers.authorization]);
    if (wanted === null) return new Response(null, { status: 204 });
    if (headers.authorization !== `Bearer ${wanted}`) return Response.json({ detail: 'Not valid.' }, { status: 401 });
    return Response.json({ token: `st_${requests.length}.x` });
  };
  const ask = async (why) => {
    asked.push(why);
    return answers.shift() ?? null;
  };
  return { tokens: new SessionTokens({ base: 'http://a/b/', storage, ask, fetch }), storage, asked, requests, set: (value) => { wanted = value; } };
}

const offered = (token) => [`auricle.auth.${Buffer.from(token).toString('base64url')}`];

test('a server without keys asks nobody', async () => {
  const { tokens, asked, requests } = page({ wanted: null });
  await tokens.prepare();
  assert.deepEqual(await tokens.subprotocols(), []);
  assert.deepEqual(asked, []);
  assert.deepEqual(requests, [['http://a/b/v1/session-tokens', 'POST', undefined]]);
});

test('a key is asked for until it is right, once a tab', async () => {
  const { tokens, asked, storage } = page({ answers: ['wrong', 'right'] });
  await tokens.prepare();
  assert.deepEqual(asked, ['Not valid.', 'Not valid.']);
  assert.equal(storage.getItem('auricle-key'), 'right');
  assert.deepEqual(await tokens.subprotocols(), offered('st_3.x'));
  await tokens.prepare();
  assert.equal(asked.length, 2);
});

test('every connection has a token of its own', async () => {
  const { tokens } = page({ key: 'right' });
  await tokens.prepare();
  assert.deepEqual(await tokens.subprotocols(), offered('st_1.x'));
  assert.deepEqual(await tokens.subprotocols(), offered('st_2.x'));
});

test('a key that is revoked between two connections ends it', async () => {
  const { tokens, set } = page({ key: 'right' });
  await tokens.prepare();
  await tokens.subprotocols();
  set('another');
  await assert.rejects(tokens.subprotocols(), { code: 4401, message: 'Not valid.' });
});

test('whoever gives no key is told', async () => {
  const { tokens, storage } = page({ key: 'wrong' });
  await assert.rejects(tokens.prepare(), { code: 4401, message: /this server wants one/ });
  assert.equal(storage.getItem('auricle-key'), null);
});

test('a server that is busy, or gone, is no question of keys', async () => {
  const answer = (status) => async () => Response.json({ detail: 'Too many.' }, { status });
  const make = (fetch) => new SessionTokens({ base: 'http://a/', storage: new Storage(), ask: () => assert.fail(), fetch });
  await assert.rejects(make(answer(429)).prepare(), { code: 1013, message: 'Too many.' });
  await assert.rejects(make(answer(403)).prepare(), { code: 4403 });
  const gone = make(async () => { throw new TypeError('no network'); });
  await gone.prepare();
  await assert.rejects(gone.subprotocols(), TypeError, 'the connection is lost, as any other');
});
