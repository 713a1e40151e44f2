// A recording that was dropped on the page: decoded by the browser, as 16-bit mono samples at 16 kHz.

export const RATE = 16_000; // what the engines hear
const MOST_BYTES = 1024 ** 3;

// Throws an Error with a sentence for people.
export async function decodeRecording(file) {
  if (file.size > MOST_BYTES) throw new Error(`${file.name} is too long for a page: use auricle transcribe.`);
  const bytes = await file.arrayBuffer();
  let decoded;
  try {
    decoded = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes); // resamples, too
  } catch (error) {
    throw new Error(`This browser cannot decode ${file.name}: auricle transcribe may.`, { cause: error });
  }
  const channels = Array.from({ length: decoded.numberOfChannels }, (_, index) => decoded.getChannelData(index));
  return mixed(channels);
}

// Returns the mean of the channels as 16-bit samples.
export function mixed(channels) {
  const samples = new Int16Array(channels[0].length);
  for (let index = 0; index < samples.length; index += 1) {
    let sum = 0;
    for (const channel of channels) sum += channel[index];
    samples[index] = Math.round(Math.max(-1, Math.min(1, sum / channels.length)) * 32767);
  }
  return samples;
}
