"""Messages between a gateway and its workers as bytes: plain data, as between an engine's process and its parent.

The engine for distribution carries them as they are. It may turn values into programs on their way (Ray does, with
pickles); ours are bytes, and what they may hold is known to whoever reads them.
"""

from types import MappingProxyType
from typing import Any, Final

from auricle.engines.isolation.frames import MOST_ARRAYS, FrameError, read, written
from auricle.engines.isolation.messages import Decode, LoadFailed, Ready, Reply
from auricle.engines.workers.protocol import Pieces

TO_WORKER: Final = MappingProxyType({"Decode": Decode})
FROM_WORKER: Final = MappingProxyType({"Ready": Ready, "LoadFailed": LoadFailed, "Reply": Reply})


def packed(message: object, piece_bytes: int) -> Pieces:
    """Return a message in pieces of at most so many bytes. Raises `FrameError`."""
    whole = b"".join(written(message))
    return [whole[at : at + piece_bytes] for at in range(0, len(whole), piece_bytes)]


def unpacked_request(pieces: Pieces) -> Decode:
    """Return the request that a worker was sent. Raises `FrameError`."""
    request: Decode = _unpacked(b"".join(pieces), TO_WORKER, most_arrays=MOST_ARRAYS)
    return request


def unpacked_answer(data: bytes) -> Ready | LoadFailed | Reply:
    """Return what a worker has answered: text, and no array. Raises `FrameError`."""
    answer: Ready | LoadFailed | Reply = _unpacked(data, FROM_WORKER, most_arrays=0)
    return answer


def _unpacked(data: bytes, kinds: MappingProxyType[str, type], *, most_arrays: int) -> Any:
    rest = memoryview(data)

    def receive(size: int) -> bytearray:
        nonlocal rest
        if size > len(rest):
            raise FrameError("A message ends too early.")
        taken, rest = bytearray(rest[:size]), rest[size:]
        return taken

    message = read(receive, kinds, most_arrays=most_arrays)
    if rest:
        raise FrameError("A message goes on behind its end.")
    return message
