// The page: its buttons, and what they start.

import { droppedFiles } from './dropped.mjs';
import { keepEarlier, keepProblem } from './earlier.mjs';
import { bindExports } from './exports.mjs';
import { showMeters } from './meters.mjs';
import { Microphone, whyNoMicrophone } from './microphone.mjs';
import { askForKey } from './key_dialog.mjs';
import { decodeRecording, RATE } from './recording.mjs';
import { Run } from './run.mjs';
import { SessionTokens } from './session_tokens.mjs';
import { clock, TranscriptView } from './transcript_view.mjs';
import { heardByServer } from './upload.mjs';
import { Waveform } from './waveform.mjs';

const $ = (id) => document.getElementById(id);
const url = new URL('ws/transcribe', document.baseURI);
url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';

const tokens = new SessionTokens({ base: document.baseURI, storage: sessionStorage, ask: askForKey });

const view = new TranscriptView();
const waveform = new Waveform($('waveform'));
let run = null;
let microphone = null;
let busy = false; // the microphone or a file is being opened
let waiting = []; // recordings whose turn comes when the present one has ended

const enableExports = bindExports({
  copy: $('copy'),
  downloads: [...document.querySelectorAll('[data-format]')],
  transcript: () => run.transcript,
});

// ---------------------------------------------------------------- beginning and ending

async function talk() {
  beBusy();
  try {
    await tokens.prepare();
    let onSamples = () => {};
    microphone = await Microphone.open({ onSamples: (samples) => onSamples(samples), onGone: microphoneGone });
    const mine = begin({ name: 'microphone', rate: microphone.rate, live: true });
    onSamples = (samples) => mine.append(samples);
    mine.connect(url, start({ live: true }), tokens);
  } catch (error) {
    problem(error.message);
  }
  busy = false;
  next();
}

async function transcribe(file) {
  beBusy();
  try {
    await tokens.prepare();
    const decoded = await decodeRecording(file);
    const mine = begin({ name: file.name, rate: RATE, live: false });
    if (decoded) hear(mine, decoded);
    else leaveToServer(mine, file);
  } catch (error) {
    problem(error.message);
  }
  busy = false;
  next();
}

function hear(mine, { samples, cancelled }) {
  if (cancelled) note(`The channels of ${mine.name} cancel each other: the first of them is heard alone.`);
  mine.append(samples);
  mine.connect(url, start({ live: false }), tokens);
  mine.endInput();
}

function leaveToServer(mine, file) {
  note(`This browser cannot decode ${file.name}, so the server does: its words come all at once.`);
  tokens.forget();
  const { headers } = tokens;
  const language = $('language').value;
  mine.request((signal) => heardByServer({ file, language, base: document.baseURI, headers, signal }));
}

function take(files) {
  waiting.push(...files);
  next();
}

function next() {
  if (busy || running() || waiting.length === 0) return refresh();
  if (!$('problem').hidden) keepProblem($('problem').textContent, $('earlier'));
  return transcribe(waiting.shift());
}

function running() {
  return run !== null && !run.ended;
}

function beBusy() {
  $('problem').hidden = true;
  busy = true;
  refresh();
}

function start({ live }) {
  return {
    language: $('language').value || null,
    features: { words: true },
    endpointing: live ? {} : { offline: true }, // nobody waits for the words of a recording: as good as they get
    client: { name: 'auricle-page' },
  };
}

function begin(options) {
  if (run) keepEarlier(run.transcript, $('earlier'));
  const mine = new Run({ ...options, onEvent: (event) => run === mine && happened(event) });
  run = mine;
  view.clear();
  $('notices').replaceChildren();
  enableExports(false);
  waveform.show(run);
  return run;
}

async function stop() {
  const mine = run;
  const device = microphone;
  microphone = null;
  if (!mine.live) {
    waiting = []; // whoever stops wants no other one to begin
    mine.cancel();
  }
  await device?.close(); // its last samples come before the end
  if (mine.live) mine.endInput();
  refresh();
}

function microphoneGone() {
  note('The microphone is gone: what was said before is still transcribed.');
  stop();
}

// ---------------------------------------------------------------- what the session tells

function happened(event) {
  switch (event.type) {
    case 'partial':
      view.partial(event);
      break;
    case 'final':
      view.partial(null);
      view.final(event);
      enableExports(true);
      break;
    case 'loading':
      $('engine').textContent = `${event.stage} …`; // what is said meanwhile waits here
      break;
    case 'interrupted':
      note('The connection is lost; what is said meanwhile waits here.');
      break;
    case 'returned':
      note(back(event));
      break;
    case 'restarted':
      view.partial(null);
      note(`The server had forgotten the session; a new one goes on; ${event.lostS ? `${event.lostS.toFixed(1)} s are lost` : 'nothing is lost'}.`);
      break;
    case 'overflowed':
      note('The server does not keep up: no more is recorded, and what was said is still transcribed.');
      stop();
      break;
    case 'input_ended':
      if (event.by === 'server') stop();
      break;
    case 'warning':
    case 'error':
      note(`The server says: ${event.message}.`);
      break;
    case 'ended':
      ended(event);
      break;
    default:
  }
  if (event.type === 'ended') next();
  else refresh();
}

function ended(event) {
  view.partial(null);
  if (microphone) stop();
  if (!event.complete && event.reason !== 'cancelled') problem(sentence(event.message));
}

// ---------------------------------------------------------------- what is shown

function refresh() {
  const ending = running() && run.session?.inputEnd && run.live;
  $('record').toggleAttribute('data-running', running());
  $('record').disabled = busy || ending || (!running() && whyNoMicrophone(window) !== null);
  $('record-text').textContent = running() ? (ending ? 'Finishing…' : 'Stop') : 'Start talking';
  $('language').disabled = running();
  $('waiting').textContent = waiting.length ? `Next: ${waiting.map(({ name }) => name).join(', ')}` : '';
  $('cut').disabled = !running() || !run.session || run.away || run.session.phase === 'connecting';
  if (run?.engine) showEngine(run.engine, run.language);
  if (run) showMeters(run);
  waveform.redraw();
}

function showEngine({ name, model, device }, language) {
  const on = device ? ` on ${device}` : '';
  $('engine').textContent = `${[name, model].filter(Boolean).join(' ')}${on}${language ? ` · hears ${language}` : ''}`;
}

function offerLanguages(known) { // null: any
  for (const option of $('language').options) {
    option.hidden = option.disabled = known !== null && option.value !== '' && !known.includes(option.value);
  }
}

function note(text) {
  const item = document.createElement('li');
  const time = document.createElement('time');
  time.textContent = clock(run.durationS);
  item.append(time, text);
  $('notices').append(item);
}

function problem(text) {
  $('problem').textContent = text;
  $('problem').hidden = false;
}

function back({ awayS, againS, waitedS }) {
  const [away, again, waited] = [awayS, againS, waitedS].map((timeS) => `${timeS.toFixed(1)} s`);
  const sent = againS > 0 ? `${again} that had not arrived and ${waited} that had waited` : `${waited} that had waited`;
  return `The connection is back after ${away}, with the ${sent}: nothing is lost.`;
}

function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/u.test(begun) ? begun : `${begun}.`;
}

// ---------------------------------------------------------------- buttons, keys, and files that are dropped

$('record').onclick = () => (running() ? stop() : talk());
$('open').onclick = () => $('file').click();
$('file').onchange = () => {
  const files = [...$('file').files];
  $('file').value = '';
  take(files);
};
$('cut').onclick = () => run?.cut();
$('show-details').onchange = () => $('transcript').classList.toggle('with-details', $('show-details').checked);

document.onkeydown = (event) => {
  if (event.target !== document.body || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.code === 'Space' && !$('record').disabled) {
    event.preventDefault();
    $('record').click();
  }
};

document.ondragover = (event) => {
  event.preventDefault();
  $('drop').hidden = false;
};
document.ondragleave = (event) => {
  if (event.relatedTarget === null) $('drop').hidden = true;
};
document.ondrop = async (event) => {
  event.preventDefault();
  $('drop').hidden = true;
  const files = await droppedFiles(event.dataTransfer);
  if (files.length) take(files);
  else problem('There is no recording in what was dropped.');
};
window.onpagehide = () => run?.cancel(); // nobody comes back: the token goes with the page
window.onbeforeunload = (event) => {
  if (running() || waiting.length) event.preventDefault();
};

setInterval(() => {
  if (running()) refresh();
}, 100);

$('hint').textContent = whyNoMicrophone(window) ?? '';
refresh();
fetch('status', { headers: { accept: 'application/json' } })
  .then((response) => (response.ok ? response.json() : {})) // it is for operators, where there are keys
  .then(({ engine, detail = '' }) => {
    if (!engine) return void ($('engine').textContent = detail);
    offerLanguages(engine.languages);
    return showEngine(engine);
  })
  .catch(() => { $('engine').textContent = ''; });
