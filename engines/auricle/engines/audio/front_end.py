"""The audio front end of one session: decodes and resamples its audio, retains it, and detects voice in it.

Voice is detected on a fixed grid of blocks, counted from the first sample of the session, so that the result does not
depend on how the input was split into frames. The detector runs once over each block; its probabilities are kept as
long as the audio, so that the grid can be processed again from an earlier position.
"""

from auricle.core.parts import AudioFormat
from auricle.engines.audio.encodings import decode_pcm
from auricle.engines.audio.resample import Resampler
from auricle.engines.audio.retained_audio import RetainedAudio
from auricle.engines.audio.vad_thresholds import SILENCE_THRESHOLD
from auricle.engines.audio.voice_track import VoiceTrack
from auricle.engines.protocol import VoiceDetector


class AudioFrontEnd:
    """Takes audio in the declared format. Positions are engine samples unless a name says otherwise."""

    def __init__(self, detector: VoiceDetector, audio_format: AudioFormat) -> None:
        self.audio = RetainedAudio()
        self.received = 0
        """Session samples accepted so far."""
        self._format = audio_format
        self._resampler = Resampler(audio_format.sample_rate)
        self.timeline = self._resampler.timeline
        self._voice = VoiceTrack(detector)

    def accept(self, pcm: bytes) -> None:
        """Append whole sample frames. Raises `ValueError` when ``pcm`` ends inside one."""
        samples = decode_pcm(pcm, self._format)
        self.received += len(samples)
        self.audio.append(self._resampler.push(samples))

    def drain_up_to(self, position: int) -> None:
        """Drain the resampler if it still holds ``position``. The audio after that is resampled from silence."""
        if position > self.audio.end:
            self.audio.append(self._resampler.drain())

    def end_input(self) -> None:
        """Drain the resampler: no more audio will come."""
        self.audio.append(self._resampler.drain())

    def voice_probability(self, begin: int) -> float:
        """Return the probability in [0, 1] that the block at ``begin`` holds speech; a known block, or the next one."""
        return self._voice.probability(self.audio, begin)

    def last_voice_probability(self, begin: int) -> float:
        """Return the same for the block at ``begin`` that the end of the input has cut short."""
        return self._voice.probability_of_last(self.audio, begin)

    def voiced_spans(self, begin: int, end: int) -> tuple[tuple[int, int], ...]:
        """Return the voiced spans between two positions, as far as voice has been detected."""
        return self._voice.spans(begin, end, SILENCE_THRESHOLD)

    def forget_before(self, position: int) -> None:
        """Release the audio before ``position`` and its voice probabilities."""
        self.audio.forget_before(position)
        self._voice.forget_before(position)
