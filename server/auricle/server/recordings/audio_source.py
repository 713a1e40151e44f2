"""The interface of decoded audio sources, whatever the container, and the errors they raise."""

from collections.abc import Iterator
from typing import Protocol

from auricle.server.recordings.pcm import MAX_SOURCE_RATE, MIN_SOURCE_RATE, Samples


class SourceError(Exception):
    """Audio that cannot be read, or not to its end: ``problem`` and ``remedy``, two clauses without a full stop.

    The message does not name the file, which the source does not know.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class Source(Protocol):
    """Decoded audio, read once from front to back."""

    @property
    def sample_rate(self) -> int:
        """Sample frames a second."""

    @property
    def channels(self) -> int:
        """Channels of a sample frame."""

    @property
    def frames(self) -> int | None:
        """Number of sample frames that can be read; None where it is unknown before the end."""

    def blocks(self) -> Iterator[Samples]:
        """Yield blocks of shape ``(frames, channels)``, float32 with full scale ±1.

        Everything that can be decoded is yielded; only then is `SourceError` raised where audio is missing.
        """


def check_rate(rate: int) -> None:
    """Raise `SourceError` when ``rate`` (Hz) is implausible for a recording of speech."""
    if not MIN_SOURCE_RATE <= rate <= MAX_SOURCE_RATE:
        raise SourceError(
            f"its header says {rate} samples a second, which no recording of speech has",
            "the file is damaged, so export it again",
        )


def bytes_missing(count: int, delivered: int, rate: int) -> SourceError:
    """Return the error for a file that is ``count`` bytes shorter than it says. ``delivered`` in sample frames."""
    return SourceError(
        f"it is cut short ({count} of its bytes are missing)",
        f"the {delivered / rate:.2f} s that are there have been read, but copy it again",
    )


def last_page_missing(delivered: int, rate: int) -> SourceError:
    """Return the error for an Ogg stream that does not come to its end. ``delivered`` in sample frames."""
    return SourceError(
        f"it is cut short (it goes to {delivered / rate:.2f} s, and its last page is missing)",
        "what is there has been read, but copy or record it again to have the rest",
    )


def cut_short(promised: int, delivered: int, rate: int) -> SourceError:
    """Return the error for a header that declares more sample frames than there are. ``rate`` in Hz."""
    return SourceError(
        f"it is cut short (its header promises {promised / rate:.2f} s of audio, and only {delivered / rate:.2f} s "
        "are there)",
        "what is there has been read, but copy or record it again to have the rest",
    )
