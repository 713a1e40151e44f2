// Audio that may have to be sent (again): 16-bit mono samples, addressed by their position in the session.

export class AudioStore {
  #chunks = []; // { start, samples: Int16Array }, in order and without holes

  constructor(rate) {
    this.rate = rate; // samples a second
    this.begin = 0; // position of the first sample that is still here
    this.end = 0; // position behind the last one
  }

  append(samples) {
    if (!samples.length) return;
    this.#chunks.push({ start: this.end, samples });
    this.end += samples.length;
  }

  // Returns the samples of [from, to), which have to be here, as bytes for the wire: little-endian.
  read(from, to) {
    if (from < this.begin || to > this.end) throw new RangeError(`Samples ${from} to ${to} are not kept.`);
    const view = new DataView(new ArrayBuffer(2 * (to - from)));
    for (let index = this.#indexOf(from), at = from; at < to; index += 1) {
      const { start, samples } = this.#chunks[index];
      for (const stop = Math.min(to, start + samples.length); at < stop; at += 1) {
        view.setInt16(2 * (at - from), samples[at - start], true);
      }
    }
    return view.buffer;
  }

  // Forgets whole chunks that end at or before `position`.
  forget(position) {
    let gone = 0;
    while (gone < this.#chunks.length && this.#endOf(gone) <= position) gone += 1;
    if (!gone) return;
    this.begin = this.#endOf(gone - 1);
    this.#chunks.splice(0, gone);
  }

  #endOf(index) {
    return this.#chunks[index].start + this.#chunks[index].samples.length;
  }

  #indexOf(position) { // binary search: the chunk that holds it
    let [low, high] = [0, this.#chunks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#chunks[middle].start <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
