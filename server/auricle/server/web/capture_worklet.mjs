// Runs on the audio thread: hands the microphone's samples over as 16-bit mono, some 40 ms at a time.

const BLOCK = 2048;

class Capture extends AudioWorkletProcessor {
  #block = new Int16Array(BLOCK);
  #filled = 0;
  #running = true;

  constructor() {
    super();
    this.port.onmessage = () => { // to stop: the rest, and that it was the rest
      this.#running = false;
      this.#hand();
      this.port.postMessage(null);
    };
  }

  process([channels]) {
    const frames = channels[0]?.length ?? 0;
    for (let frame = 0; this.#running && frame < frames; frame += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[frame];
      const level = Math.max(-1, Math.min(1, sum / channels.length));
      this.#block[this.#filled] = Math.round(level * 32767);
      this.#filled += 1;
      if (this.#filled === BLOCK) this.#hand();
    }
    return this.#running;
  }

  #hand() {
    if (!this.#filled) return;
    const samples = this.#block.slice(0, this.#filled);
    this.port.postMessage(samples, [samples.buffer]);
    this.#filled = 0;
  }
}

registerProcessor('capture', Capture);
