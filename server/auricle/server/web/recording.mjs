// A recording that was dropped on the page: decoded by the browser, as 16-bit mono samples at 16 kHz.

export const RATE = 16_000; // what the engines hear
const MOST_BYTES = 1024 ** 3;
const LOUD_POWER = 16_000 * 0.01 ** 2; // summed squares: a second at -40 dB of full scale
const CANCELLED_PART = 0.01; // what is left of their power: two strangers leave a half

// Resolves to the samples, and whether all channels but the first were left out because they cancel each other; null
// for what this browser cannot decode, or cannot hold.
export async function decodeRecording(file) {
  if (file.size > MOST_BYTES) return null;
  const bytes = await file.arrayBuffer();
  let decoded;
  try {
    decoded = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes); // resamples, too
  } catch {
    return null;
  }
  const channels = Array.from({ length: decoded.numberOfChannels }, (_, index) => decoded.getChannelData(index));
  const cancelled = cancel(channels);
  return { samples: mixed(cancelled ? channels.slice(0, 1) : channels), cancelled };
}

// Whether next to nothing is left of the mean of channels that are not silent: what they share is their opposite.
export function cancel(channels) {
  let [mono, all] = [0, 0];
  for (let index = 0; index < channels[0].length; index += 1) {
    let sum = 0;
    for (const channel of channels) {
      sum += channel[index];
      all += channel[index] ** 2;
    }
    mono += sum ** 2;
  }
  const count = channels.length;
  return all / count > LOUD_POWER && mono / count ** 2 < (all / count) * CANCELLED_PART;
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
