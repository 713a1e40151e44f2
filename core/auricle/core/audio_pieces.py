"""Audio in pieces that the core takes, for dialects whose clients may send any length at once; and what is no PCM."""

from collections.abc import Mapping
from typing import Final

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


_SIGNATURES: Final[Mapping[bytes, str]] = {
    b"OggS": "an Ogg file",
    b"fLaC": "a FLAC file",
    b"ID3": "an MP3 file",
    b"\x1aE\xdf\xa3": "a WebM or Matroska file",
}
"""How containers begin. Not WAV: its header is 22 samples of noise before PCM, and clients have always sent it."""


def container_name(head: bytes) -> str | None:
    """Return what the first audio of a session is, where it is no PCM but a container; None for anything else."""
    if head[4:8] == b"ftyp":
        return "an MP4 or M4A file"
    return next((name for signature, name in _SIGNATURES.items() if head.startswith(signature)), None)
