// A transcript as text, SRT, WebVTT and JSON. Pure.
//
// A transcript is { file, finals, durationS, complete, accounting, engine }; a final is the protocol's message.

export const FORMATS = {
  txt: { type: 'text/plain', render: text },
  srt: { type: 'application/x-subrip', render: srt },
  vtt: { type: 'text/vtt', render: vtt },
  json: { type: 'application/json', render: json },
};
const MOST_CHARACTERS = 84; // two lines of 42
const LINE_CHARACTERS = 42;
const MOST_CUE_S = 7;
const PAUSE_S = 1.5; // a pause that ends a cue: words are not shown long before they are spoken
const LEAST_CUE_S = 0.84;
const GAP_S = 0.08; // two frames between cues

const clean = (string) => string.replace(/\p{Cc}/gu, ' ').trim();

export function text({ finals }) {
  return spoken(finals).map((final) => `${clean(final.text)}\n`).join('');
}

export function srt({ finals }) {
  return cues(finals)
    .map((cue, index) => `${index + 1}\n${stamp(cue.start, ',')} --> ${stamp(cue.end, ',')}\n${cue.lines.join('\n')}\n`)
    .join('\n');
}

export function vtt({ finals }) {
  const blocks = cues(finals).map(
    (cue) => `${stamp(cue.start, '.')} --> ${stamp(cue.end, '.')}\n${cue.lines.map(escaped).join('\n')}\n`,
  );
  return ['WEBVTT\n', ...blocks].join('\n');
}

// As `auricle transcribe --format json` writes it: docs/transcript.schema.json.
export function json({ file, finals, durationS, complete, accounting, engine }) {
  const document = {
    file,
    language: mostSpoken(finals),
    duration_s: durationS === null ? null : seconds(durationS),
    complete,
    partial: complete !== true,
    accounting,
    engine: engine && { name: engine.name, ...pick(engine, ['version', 'model', 'device']) },
    text: spoken(finals).map((final) => clean(final.text)).join(' '),
    segments: spoken(finals).map(segment),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function segment(final) {
  const { segment: number, start, end, confidence, details, words } = final;
  return {
    segment: number,
    start: seconds(start),
    end: seconds(end),
    text: clean(final.text),
    confidence,
    language: final.language ?? null,
    details: details ? pick(details, ['avg_logprob', 'no_speech_prob', 'doubtful']) : null,
    words: words?.map((word) => ({
      text: clean(word.text),
      start: seconds(word.start),
      end: seconds(word.end),
      ...pick(word, ['confidence', 'speaker']),
    })) ?? null,
  };
}

function pick(object, names) {
  return Object.fromEntries(names.map((name) => [name, object[name] ?? null]));
}

function mostSpoken(finals) {
  const spokenS = {};
  for (const { language, start, end } of finals) {
    if (language) spokenS[language] = (spokenS[language] ?? 0) + end - start;
  }
  return Object.keys(spokenS).sort((a, b) => spokenS[b] - spokenS[a])[0] ?? null;
}

// Returns { start, end, lines }, times in seconds: no cue begins before the one before has ended.
export function cues(finals) {
  const words = spoken(finals).flatMap((final) => (final.words?.length ? final.words : evenly(final)));
  const groups = [];
  for (const word of words) {
    const group = groups.at(-1);
    if (group && fits(group, word)) group.push(word);
    else groups.push([word]);
  }
  return groups.map((group, index) => {
    const start = group[0].start;
    const next = groups[index + 1]?.[0].start ?? Infinity;
    const end = Math.max(start + 0.001, Math.min(Math.max(group.at(-1).end, start + LEAST_CUE_S), next - GAP_S));
    return { start, end, lines: lines(group.map((word) => clean(word.text))) };
  });
}

function fits(group, word) {
  const last = group.at(-1);
  const characters = group.reduce((sum, each) => sum + clean(each.text).length + 1, clean(word.text).length);
  if (characters > MOST_CHARACTERS || word.end - group[0].start > MOST_CUE_S) return false;
  if (word.start - last.end > PAUSE_S) return false;
  return !(/[.!?…]$/u.test(clean(last.text)) && characters > LINE_CHARACTERS);
}

// Words of a final that has no times for them.
function evenly({ text: said, start, end }) {
  const words = clean(said).split(/\s+/u);
  const each = (end - start) / words.length;
  return words.map((word, index) => ({ text: word, start: start + index * each, end: start + (index + 1) * each }));
}

// One line, or two of about the same length.
function lines(words) {
  const whole = words.join(' ');
  if (whole.length <= LINE_CHARACTERS || words.length < 2) return [whole];
  let best = null;
  for (let cut = 1; cut < words.length; cut += 1) {
    const halves = [words.slice(0, cut).join(' '), words.slice(cut).join(' ')];
    const longest = Math.max(halves[0].length, halves[1].length);
    if (!best || longest < best.longest) best = { halves, longest };
  }
  return best.halves;
}

function spoken(finals) {
  return finals.filter((final) => clean(final.text));
}

function stamp(timeS, point) {
  const ms = Math.round(timeS * 1000);
  const two = (number) => String(number).padStart(2, '0');
  const whole = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, Math.floor(ms / 1000) % 60].map(two).join(':');
  return `${whole}${point}${String(ms % 1000).padStart(3, '0')}`;
}

function escaped(line) {
  return line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function seconds(value) {
  return Math.round(value * 1000) / 1000;
}
