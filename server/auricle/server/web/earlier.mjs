// Transcripts of earlier runs: a new one begins, and what was said before stays on the page.

import { bindExports } from './exports.mjs';
import { FORMATS, text } from './formats.mjs';
import { clock } from './transcript_view.mjs';

// Puts a transcript (formats.mjs) on the page, folded up, with its own copy and downloads. Does nothing for an empty one.
export function keepEarlier(transcript, place) {
  const said = text(transcript);
  if (!said) return;
  const summary = document.createElement('summary');
  const rest = transcript.complete ? '' : ' · not complete';
  summary.textContent = `${transcript.file} · ${clock(transcript.durationS)}${rest}`;
  const words = document.createElement('p');
  words.className = 'earlier-words';
  words.dir = 'auto';
  words.textContent = said;
  const copy = button('Copy');
  const downloads = Object.keys(FORMATS).map((format) => {
    const download = button(`.${format}`);
    download.dataset.format = format;
    return download;
  });
  const buttons = document.createElement('div');
  buttons.className = 'exports';
  buttons.append(copy, ...downloads);
  bindExports({ copy, downloads, transcript: () => transcript });
  const folded = document.createElement('details');
  folded.append(summary, words, buttons);
  place.prepend(folded);
}

// Keeps why a recording has no transcript, when the next one begins.
export function keepProblem(sentence, place) {
  const kept = document.createElement('p');
  kept.className = 'earlier-problem';
  kept.textContent = sentence;
  place.prepend(kept);
}

function button(label) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = label;
  return made;
}
