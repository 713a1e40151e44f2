// The microphone as 16-bit mono samples, at the rate of the browser's audio context.

// What makes a voice pleasant for ears distorts it for a model: the sound is wanted as it is.
const WANTED = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const REASONS = {
  NotAllowedError: 'The browser was not allowed to use the microphone: allow it for this page, and try again.',
  NotFoundError: 'This machine has no microphone: plug one in, or open a recording instead.',
  NotReadableError: 'The microphone cannot be read: another program may be using it.',
};

// Returns why this page cannot have the microphone, in one sentence; null where it can.
export function whyNoMicrophone({ isSecureContext, location, navigator }) {
  if (isSecureContext && navigator.mediaDevices) return null;
  if (isSecureContext) return 'This browser offers pages no microphone; recordings work all the same.';
  return (
    `Browsers give the microphone to secure pages only, and ${location.origin} is none: open this page on the server's ` +
    `own machine as http://localhost:${location.port || 80}/, or put TLS in front of it; recordings work all the same.`
  );
}

export class Microphone {
  // Asks for the microphone. `onSamples` is given Int16Arrays, `onGone` is called where the device goes away.
  // Throws an Error with a sentence for people.
  static async open({ onSamples, onGone }) {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: WANTED });
    } catch (error) {
      throw new Error(REASONS[error.name] ?? `The microphone cannot be used: ${error.message}.`, { cause: error });
    }
    const context = new AudioContext();
    await context.audioWorklet.addModule(new URL('./capture_worklet.mjs', import.meta.url));
    const capture = new AudioWorkletNode(context, 'capture');
    const source = context.createMediaStreamSource(stream);
    const microphone = new Microphone(stream, context, capture);
    capture.port.onmessage = ({ data }) => (data === null ? microphone.#stopped() : onSamples(data));
    stream.getAudioTracks()[0].onended = onGone;
    source.connect(capture).connect(context.destination); // silent: some browsers run nothing that leads nowhere
    await context.resume();
    return microphone;
  }

  #stream;
  #context;
  #capture;
  #stopped = () => {};

  constructor(stream, context, capture) {
    this.#stream = stream;
    this.#context = context;
    this.#capture = capture;
  }

  get rate() {
    return this.#context.sampleRate;
  }

  // Resolves once the last samples have been handed over.
  async close() {
    const handed = new Promise((resolve) => { this.#stopped = resolve; });
    this.#capture.port.postMessage('stop');
    await handed;
    this.#stream.getTracks().forEach((track) => track.stop());
    await this.#context.close();
  }
}
