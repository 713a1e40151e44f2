"""Messages as bytes on a socket: their lengths, their JSON, and the raw bytes of their arrays.

A frame is the length of its JSON and the length of all arrays (4 bytes each, network order), the JSON
``{"type", "fields", "arrays"}``, and the arrays, whose lengths in bytes ``arrays`` holds. Whoever reads knows which
messages may come; whatever else comes is a `FrameError`, before anything is built of it.
"""

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final

from auricle.engines.plain_data import PlainDataError, from_plain, to_plain

LENGTHS: Final = struct.Struct("!II")
MOST_JSON: Final = 16 * 1024 * 1024
"""Longest JSON in bytes: some hours of words with their times."""
MOST_ARRAYS: Final = 512 * 1024 * 1024
"""Most bytes of arrays in a message: a hundred of the longest windows with their features."""


class FrameError(Exception):
    """What came is no message that may come here. One sentence."""


def written(message: object) -> list[memoryview]:
    """Return the bytes of a message, in pieces. Raises `FrameError` for one that has no plain form or is too long."""
    arrays: list[memoryview] = []
    try:
        fields = to_plain(message, arrays)
        head = {"type": type(message).__name__, "fields": fields, "arrays": [len(array) for array in arrays]}
        text = json.dumps(head, separators=(",", ":")).encode()
    except (PlainDataError, ValueError, RecursionError) as error:
        raise FrameError(f"{type(message).__name__} cannot be sent: {error}") from error
    size = sum(map(len, arrays))
    if len(text) > MOST_JSON or size > MOST_ARRAYS:
        raise FrameError(f"{type(message).__name__} cannot be sent: it is too long.")
    return [memoryview(LENGTHS.pack(len(text), size) + text), *arrays]


def read(receive: Callable[[int], bytearray], kinds: Mapping[str, type], *, most_arrays: int) -> Any:
    """Read one message of ``kinds``, which holds their classes by name.

    ``receive`` returns exactly so many bytes, and raises `EOFError` where there are none. Raises `FrameError`.
    """
    text_size, size = LENGTHS.unpack(receive(LENGTHS.size))
    if text_size > MOST_JSON or size > most_arrays:
        raise FrameError("A message is too long.")
    head = _parsed(receive(text_size))
    kind = kinds.get(head["type"]) if isinstance(head["type"], str) else None
    if kind is None:
        raise FrameError("A message of this type may not come here.")
    try:
        return from_plain(kind, head["fields"], _cut(receive(size), head["arrays"]))
    except (PlainDataError, RecursionError) as error:
        raise FrameError(f"A message {kind.__name__} is malformed: {error}") from error


def _parsed(text: bytes | bytearray) -> Mapping[str, Any]:
    try:
        head = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FrameError("A message is no JSON.") from error
    if not isinstance(head, dict) or head.keys() != {"type", "fields", "arrays"}:
        raise FrameError("A message has a type, fields and arrays, and nothing else.")
    return head


def _cut(data: bytearray, lengths: object) -> Sequence[memoryview]:
    if not isinstance(lengths, list) or not all(type(length) is int and length >= 0 for length in lengths):
        raise FrameError("The arrays of a message have lengths.")
    ends = list(accumulate(lengths, initial=0))
    if ends[-1] != len(data):
        raise FrameError("The arrays of a message are as long as it says.")
    whole = memoryview(data)
    return [whole[begin:end] for begin, end in pairwise(ends)]
