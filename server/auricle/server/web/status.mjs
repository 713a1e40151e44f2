// The live view of /status: the same JSON that programs get, once a second.

import { askForKey } from './key_dialog.mjs';
import { SessionTokens } from './session_tokens.mjs';

const EVERY_MS = 1000;
const keys = new SessionTokens({ base: document.baseURI, storage: sessionStorage, ask: askForKey });
const $ = (id) => document.getElementById(id);

async function refresh() {
  try {
    const response = await fetch('status', { headers: { accept: 'application/json', ...keys.headers } });
    const body = await response.json();
    if (response.status === 401 || response.status === 403) await keys.askForKey(`${body.detail} The status is for operators.`);
    else show(body);
    $('problem').hidden = true;
  } catch (error) {
    if (error.code) return void stop(error.message);
    $('problem').textContent = 'The server does not answer.';
    $('problem').hidden = false;
  }
  setTimeout(refresh, EVERY_MS);
}

function stop(why) {
  $('problem').textContent = why;
  $('problem').hidden = false;
}

function show({ status, detail, version, uptime_s: uptimeS, engine, loading, sessions, load, decodes, models }) {
  $('engine').textContent = engine ? `${engine.name} ${engine.model} on ${engine.device}` : detail;
  $('state').textContent = status.replace('_', ' ');
  $('state').title = detail;
  $('uptime').textContent = loading ? loading.stage : `${duration(uptimeS)}, version ${version}`;
  $('sessions').textContent = sessions.limit === null ? sessions.open : `${sessions.open} of ${sessions.limit}`;
  $('detached').textContent = sessions.detached ? `${sessions.detached} without their client` : '';
  $('load').textContent = load ? `${Math.round(load.utilisation * 100)} %` : '–';
  $('load-bar').value = load?.utilisation ?? 0;
  $('partials').textContent = load ? partials(load) : 'this engine has no lanes';
  $('decode').textContent = decodes ? milliseconds(decodes.median_s) : '–';
  $('decodes').textContent = decodes
    ? `9 in 10 within ${milliseconds(decodes.slowest_tenth_s)}; ${decodes.calls} calls`
    : 'none yet';
  $('list').replaceChildren(...(sessions.list.length ? sessions.list.map(row) : [emptyRow()]));
  $('models').replaceChildren(...models.map(modelRow));
}

function modelRow({ name, state, detail, default: isDefault, sessions, memory_bytes: bytes, restarts }) {
  const line = rowOf([
    isDefault ? `${name} (default)` : name, state, String(sessions), megabytes(bytes), String(restarts),
  ]);
  line.title = detail ?? '';
  return line;
}

function partials({ admits, retry_after_s: retryS, partial_interval_s: intervalS }) {
  return admits ? `partials every ${intervalS.toFixed(1)} s` : `full: again in ${Math.ceil(retryS)} s`;
}

function row({ state, attached, age_s: ageS, received_s: audioS, backlog_s: backlogS, segments }) {
  const texts = [
    state.replace('_', ' ') + (attached ? '' : ' (waits for its client)'),
    duration(ageS), duration(audioS), `${backlogS.toFixed(1)} s`, String(segments),
  ];
  return rowOf(texts);
}

function rowOf(texts) {
  const line = document.createElement('tr');
  line.append(...texts.map(cell));
  return line;
}

function emptyRow() {
  const line = document.createElement('tr');
  const only = cell('none');
  only.colSpan = 5;
  line.append(only);
  return line;
}

function cell(text) {
  const element = document.createElement('td');
  element.textContent = text;
  return element;
}

function megabytes(bytes) {
  return bytes === null ? 'in the server' : `${Math.round(bytes / 2 ** 20)} MiB`;
}

function milliseconds(timeS) {
  return `${Math.round(timeS * 1000)} ms`;
}

export function duration(timeS) {
  const s = Math.round(timeS);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}

refresh();
