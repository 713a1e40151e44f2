// How loud the audio is, in steps of 20 ms: what a waveform is drawn from.

export const STEP_S = 0.02;

export class Peaks {
  #levels = new Uint8Array(4096);
  #length = 0;
  #step; // samples
  #highest = 0;
  #filled = 0;

  constructor(rate) {
    this.#step = Math.round(rate * STEP_S);
  }

  append(samples) {
    for (const sample of samples) {
      const level = Math.abs(sample);
      if (level > this.#highest) this.#highest = level;
      this.#filled += 1;
      if (this.#filled === this.#step) this.#push();
    }
  }

  // Returns the highest level, 0 to 1, of the steps in [fromS, toS) seconds.
  between(fromS, toS) {
    const from = Math.max(0, Math.floor(fromS / STEP_S));
    const to = Math.min(this.#length, Math.max(from + 1, Math.ceil(toS / STEP_S)));
    let highest = 0;
    for (let index = from; index < to; index += 1) highest = Math.max(highest, this.#levels[index]);
    return highest / 255;
  }

  #push() {
    if (this.#length === this.#levels.length) {
      const longer = new Uint8Array(2 * this.#length);
      longer.set(this.#levels);
      this.#levels = longer;
    }
    this.#levels[this.#length] = Math.min(255, Math.round((this.#highest / 32767) * 255));
    this.#length += 1;
    this.#highest = this.#filled = 0;
  }
}
