"""Audio that an application hands over: any buffer, if its samples are of the declared encoding."""

from collections.abc import Mapping
from typing import Final

ELEMENTS: Final[Mapping[str, str]] = {"pcm_s16le": "h", "pcm_f32le": "f", "mulaw": "B", "alaw": "B"}
"""The element that an array of each encoding has, as the `struct` module names it."""
BYTES: Final = frozenset({"B", "b", "c"})
"""Elements of plain bytes, which may hold any encoding."""
NAMES: Final[Mapping[str, str]] = {
    "h": "int16", "H": "uint16", "i": "int32", "I": "uint32", "l": "int64", "q": "int64", "e": "float16",
    "f": "float32", "d": "float64", "?": "bool",
}  # fmt: skip
REMEDIES: Final[Mapping[str, str]] = {
    "pcm_s16le": "soundfile.read(path, dtype='int16') gives such arrays, and (audio * 32767).astype('int16') makes one",
    "pcm_f32le": "soundfile.read(path, dtype='float32') gives such arrays, and audio.astype('float32') makes one",
}


def audio_bytes(data: object, encoding: str) -> memoryview:
    """Return a buffer as bytes. Arrays of several dimensions are read in C order: frames, then channels.

    Raises `TypeError`, with the remedy, for what is no buffer and for an array whose elements are not ``encoding``'s.
    """
    try:
        view = memoryview(data)  # type: ignore[arg-type]  # what it takes is found out by that
    except TypeError:
        raise TypeError(
            f"send_audio takes bytes or an array of samples, not {type(data).__name__}: give bytes, such as "
            "array.tobytes()."
        ) from None
    element = view.format.lstrip("@")
    if element not in BYTES and element != ELEMENTS.get(encoding):
        remedy = REMEDIES.get(encoding, f"give bytes of {encoding}")
        raise TypeError(
            f"send_audio was given an array of {NAMES.get(element, repr(view.format))}, and the session was started "
            f"with encoding={encoding!r}: {remedy}."
        )
    return view.cast("B") if view.nbytes and view.c_contiguous else memoryview(view.tobytes())
