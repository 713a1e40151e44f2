"""Audio in pieces that the core takes, for dialects whose clients may send any length at once."""

from auricle.core.codec import Decoded
from auricle.core.limits import Limits
from auricle.core.messages import Audio
from auricle.core.parts import AudioFormat


def pieces(data: bytes, audio: AudioFormat, limits: Limits) -> tuple[Decoded, ...]:
    """Return the messages that carry ``data``: each within `Limits.max_audio_s` and `Limits.max_audio_bytes`."""
    frames = min(int(limits.max_audio_s * audio.sample_rate), limits.max_audio_bytes // audio.frame_bytes) - 1
    longest = max(1, frames) * audio.frame_bytes
    if len(data) <= longest:
        return (Decoded(Audio(data=data)),) if data else ()
    return tuple(Decoded(Audio(data=data[at : at + longest])) for at in range(0, len(data), longest))
