// The transcript on the page: finals, and the words of which some may still change.

const UNSURE = 0.5; // words that are less probable are marked

export class TranscriptView {
  #finals = document.getElementById('finals');
  #stable = document.querySelector('#partial .stable');
  #unstable = document.querySelector('#partial .unstable');
  #empty = document.getElementById('empty');

  clear() {
    this.#finals.replaceChildren();
    this.#empty.hidden = true;
    this.partial(null);
  }

  partial(message) {
    const [stable, unstable] = message ? split(message.text, message.stable ?? 0) : ['', ''];
    this.#stable.textContent = stable;
    this.#unstable.textContent = unstable;
  }

  final(message) {
    if (!message.text.trim()) return;
    const line = document.createElement('p');
    line.className = 'final';
    line.dir = 'auto'; // Arabic and Hebrew run the other way
    line.append(...(message.words?.length ? words(message.words) : [message.text]));
    const detail = document.createElement('span');
    detail.className = 'detail';
    detail.ariaHidden = 'true'; // the words are what is read out
    detail.textContent = details(message);
    line.append(detail);
    line.title = details(message);
    this.#finals.append(line);
    line.scrollIntoView({ block: 'nearest' });
  }
}

// Returns what is promised of a partial, and the rest. `stable` counts code points.
export function split(text, stable) {
  const points = Array.from(text);
  return [points.slice(0, stable).join(''), points.slice(stable).join('')];
}

function words(all) {
  return all.flatMap((word, index) => {
    const span = document.createElement('span');
    span.className = (word.confidence ?? 1) < UNSURE ? 'word unsure' : 'word';
    span.textContent = word.text.trim();
    span.title = details(word);
    return index ? [' ', span] : [span];
  });
}

export function details({ start, end, confidence, language }) {
  const parts = [`${clock(start)}–${clock(end)}`];
  if (typeof confidence === 'number') parts.push(`${Math.round(confidence * 100)} %`);
  if (language) parts.push(language);
  return parts.join(' · ');
}

// Returns minutes, seconds and hundredths.
export function clock(timeS) {
  const hundredths = Math.round(timeS * 100);
  const two = (number) => String(number).padStart(2, '0');
  return `${Math.floor(hundredths / 6000)}:${two(Math.floor(hundredths / 100) % 60)}.${two(hundredths % 100)}`;
}
