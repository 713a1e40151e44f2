// Our own accounts of a session, to hold against the server's: finals that tile the audio, promises, and the end.

export class Accounts {
  #covered = 0; // samples under the finals of this session
  #dropped = 0; // samples that were lost and named
  #rev = 0;
  #promise = ''; // the longest beginning that partials of the open segment have promised

  constructor() {
    this.origin = 0; // where this session began: 0, or where it took over from one that was lost
    this.committed = 0; // accounted for, without a hole
    this.finals = 0;
    this.deadline = 0; // seconds that the server may take without progress after the end of input
    this.endedBy = null; // who ended the input: client or server
  }

  #newSegment() {
    this.#rev = 0;
    this.#promise = '';
  }

  // A new session goes on at `origin`; audio between the committed position and that is lost.
  restart(origin) {
    this.#dropped += origin - this.committed;
    this.origin = this.committed = origin;
    this.deadline = 0;
    this.endedBy = null;
    this.#covered = 0;
    this.#newSegment();
  }

  // Notes a message. Returns a sentence where it breaks a guarantee, else null.
  take(message) {
    switch (message.type) {
      case 'partial':
        return this.#partial(message);
      case 'final':
        return this.#final(message);
      case 'flushed':
        this.committed = Math.max(this.committed, message.upto);
        return null;
      case 'error':
        if (message.audio) this.#loss(message.audio[1]);
        return null;
      case 'input_ended':
        this.deadline = message.deadline_ms / 1000;
        this.endedBy = message.by;
        return null;
      default:
        return null;
    }
  }

  #partial({ segment, rev, text, stable = 0 }) { // O5
    if (segment !== this.finals || rev <= this.#rev) return 'A partial is not of the open segment, or old.';
    if (!text.startsWith(this.#promise)) return 'A partial breaks what an earlier one had promised.';
    this.#rev = rev;
    const promised = Array.from(text).slice(0, stable).join(''); // `stable` counts code points
    if (promised.length > this.#promise.length) this.#promise = promised;
    return null;
  }

  #final({ segment, text, audio: [from, to] }) { // O3, O5
    if (segment !== this.finals || from !== this.committed || to <= from) return `Final ${segment} leaves a hole.`;
    if (!text.startsWith(this.#promise)) return 'A final breaks what a partial had promised.';
    this.finals += 1;
    this.committed = to;
    this.#covered += to - from;
    this.#newSegment();
    return null;
  }

  #loss(to) {
    this.#dropped += to - this.committed;
    this.committed = to;
    this.#promise = '';
  }

  // Returns why a transcript is not complete, in a sentence, or null. `total`: samples that there were to send.
  disagreement({ reason, complete, stats }, total, inputEnd) {
    if (reason !== 'completed') return `The server ended the session (${reason}).`;
    if (!complete) return 'The server says that the transcript is not complete.';
    if (!inputEnd) return 'The session ended before its audio.';
    const { received, processed, committed, segments = 0, non_speech: silence = 0, dropped = 0, gap = 0 } = stats;
    if ([received, processed, committed].some((position) => position !== total)) {
      return `${total} samples were sent, and the server accounts for ${committed}.`;
    }
    if (this.#dropped || dropped) return `${this.#dropped || dropped} samples are lost.`;
    if (gap) return 'The server counts gaps that there were not.';
    if (segments !== this.finals) return `${segments} finals were sent, and ${this.finals} arrived.`;
    if (this.#covered + silence !== committed - this.origin) return 'The finals and the silence do not add up.';
    return null;
  }
}
