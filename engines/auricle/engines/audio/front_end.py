"""The ear of one session: bytes become engine samples that are kept, and voice on a fixed grid of blocks.

The grid is counted from the first sample of the session, so that what is heard never depends on how the bytes were
cut. The detector hears each block once; going over old audio again costs nothing while it is kept.
"""

from auricle.core.parts import AudioFormat
from auricle.engines.audio.encodings import decode_pcm
from auricle.engines.audio.endpointing import OFF
from auricle.engines.audio.resample import Resampler
from auricle.engines.audio.retained_audio import RetainedAudio, VoiceTrack
from auricle.engines.protocol import VoiceDetector


class AudioFrontEnd:
    """Positions are engine samples but where a name says otherwise."""

    def __init__(self, detector: VoiceDetector, audio_format: AudioFormat) -> None:
        self.audio = RetainedAudio()
        self.received = 0
        """Session samples taken."""
        self._format = audio_format
        self._resampler = Resampler(audio_format.sample_rate)
        self.timeline = self._resampler.timeline
        self._voice = VoiceTrack(detector)

    def take(self, pcm: bytes) -> None:
        """Keep whole sample frames."""
        samples = decode_pcm(pcm, self._format)
        self.received += len(samples)
        self.audio.append(self._resampler.push(samples))

    def catch_up(self, position: int) -> None:
        """Bring out what the resampler still holds, if ``position`` lies in it. What comes next starts from silence."""
        if position > self.audio.end:
            self.audio.append(self._resampler.drain())

    def end(self) -> None:
        """Bring out everything: no more will come."""
        self.audio.append(self._resampler.drain())

    def voice(self, begin: int) -> float:
        """Return the probability in [0, 1] that the block at ``begin`` holds speech: one heard before, or the next."""
        return self._voice.probability(self.audio, begin)

    def voice_of_last(self, begin: int) -> float:
        """Return it for the block at ``begin`` that the end of the stream has cut short."""
        return self._voice.probability_of_last(self.audio, begin)

    def voiced(self, begin: int, end: int) -> tuple[tuple[int, int], ...]:
        """Return where speech was detected between two positions, as far as blocks have been looked at."""
        return self._voice.voiced(begin, end, OFF)

    def forget_before(self, position: int) -> None:
        """Give up the audio before ``position``, and what is known of it."""
        self.audio.forget_before(position)
        self._voice.forget_before(position)
