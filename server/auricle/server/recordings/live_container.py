"""Audio in a container that comes as it is spoken, as PCM: decoded with FFmpeg (PyAV) as soon as it can be."""

from collections.abc import Iterator
from typing import Any, Final

import av
import av.error
from av.audio.resampler import AudioResampler

from auricle.server.recordings.av_source import DEMUXERS
from auricle.server.recordings.pcm import SAMPLE_RATE

OPTIONS: Final = {"probesize": "4096", "analyzeduration": "0", "format_whitelist": DEMUXERS}
"""Of FFmpeg: begin as soon as the format is known, as somebody is speaking; and open nothing but containers, as FFmpeg
takes a list of files for one, and would read those of this machine."""
BUFFER_BYTES: Final = 4096


class NoLiveContainer(Exception):
    """The audio cannot be decoded as it comes. The message is a clause for users."""


def live_pcm(file: Any) -> Iterator[bytes]:
    """Yield mono ``pcm_s16le`` at 16 kHz of a file that is only read forwards. Raises `NoLiveContainer`."""
    try:
        with av.open(file, mode="r", options=OPTIONS, buffer_size=BUFFER_BYTES) as container:
            if not container.streams.audio:
                raise ValueError("it holds no audio")
            resampler = pcm_resampler()
            for frame in container.decode(audio=0):
                yield pcm(resampler.resample(frame))
            yield pcm(resampler.resample(None))
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise NoLiveContainer(f"the audio is in no container that can be read as a stream ({why})") from None


def pcm_resampler() -> AudioResampler:
    """Return what makes PCM of frames."""
    return AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)


def pcm(frames: list[av.AudioFrame]) -> bytes:
    """Return the bytes of frames of PCM."""
    return b"".join(frame.to_ndarray().tobytes() for frame in frames)
