"""Auricle: self-hosted real-time speech-to-text in which every sample is accounted for and every stream ends.

``auricle.transcribe("talk.m4a")`` transcribes a recording; `auricle.core` is the protocol, `auricle.transports` has
the clients. Here is nothing but the way to the one function that scripts and notebooks begin with: it is imported when
it is asked for, because it needs the extra ``server``, and those who use the core or a client alone may not have that.
"""

import warnings
from importlib import import_module
from pkgutil import extend_path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auricle.server.transcription import Segment as Segment
    from auricle.server.transcription import Transcription as Transcription
    from auricle.server.transcription import TranscriptionError as TranscriptionError
    from auricle.server.transcription import transcribe as transcribe

# The parts of the package lie in several roots of a checkout, and other distributions may add to it.
__path__ = extend_path(__path__, __name__)
__all__ = ["Segment", "Transcription", "TranscriptionError", "transcribe"]


def __getattr__(name: str) -> object:
    """Import what is asked for by name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        with warnings.catch_warnings():
            # What shows the progress of downloads complains in notebooks without its widgets, which nobody here needs.
            warnings.filterwarnings("ignore", message="IProgress not found")
            return getattr(import_module("auricle.server.transcription"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "auricle":
            raise
        raise ImportError(
            f"auricle.{name} needs the engines, and {error.name} is not installed: install auricle with its extra "
            "`server`."
        ) from error


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
