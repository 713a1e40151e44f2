// The waveform: how loud it is, where somebody speaks, what has been heard, and where segments end.

const LIVE_S = 20;
const BAR = 3; // CSS pixels for a bar and the space behind it

export class Waveform {
  #canvas;
  #run = null;
  #frame = null;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.redraw()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.redraw());
  }

  show(run) {
    this.#run = run;
    this.redraw();
  }

  redraw() {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.#draw();
    });
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    const context = this.#canvas.getContext('2d');
    context.scale(scale, scale);
    const style = getComputedStyle(this.#canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    context.fillStyle = colour('--line');
    context.fillRect(0, height / 2 - 0.5, width, 1);
    const run = this.#run;
    if (!run) return;
    const [fromS, toS] = shownRange(run.durationS, run.live && !run.ended);
    const x = (timeS) => ((timeS - fromS) / (toS - fromS)) * width;
    this.#speech(context, run, x, height, colour('--tint'));
    const heardS = run.seconds(run.session?.processed ?? 0);
    for (let left = 0; left < width; left += BAR) {
      const [beginS, endS] = [left, left + BAR].map((at) => fromS + (at / width) * (toS - fromS));
      const half = Math.max(0.5, Math.sqrt(run.peaks.between(beginS, endS)) * (height / 2 - 4));
      if (beginS > run.durationS) break;
      context.fillStyle = colour(beginS < heardS ? '--accent' : '--wave');
      context.fillRect(left, height / 2 - half, BAR - 1, 2 * half);
    }
    context.fillStyle = colour('--ink');
    for (const final of run.finals) context.fillRect(Math.round(x(run.seconds(final.audio[1]))) - 1, 0, 2, height);
  }

  #speech(context, run, x, height, colour) {
    context.fillStyle = colour;
    for (const [from, to] of run.speech) {
      const left = x(run.seconds(from));
      context.fillRect(left, 0, x(run.seconds(to ?? run.audio.end)) - left, height);
    }
  }
}

// The seconds that are shown: the whole of a recording, the last ones of somebody who is speaking.
export function shownRange(durationS, live) {
  if (!live) return [0, Math.max(durationS, 1)];
  return [Math.max(0, durationS - LIVE_S), Math.max(durationS, LIVE_S)];
}
