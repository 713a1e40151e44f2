"""The program of the process that decodes what strangers send, within bounds of memory.

Run as ``python -m auricle.server.recordings.decoder_child FD BYTES``: its end of a socket pair, over which other ends
come, one for each recording, which has a thread; and the most bytes of one that may be stored on disk. The end of the
connection ends this process, which exits without cleanup, because any thread may be in native code; the system releases
everything.
"""

import ctypes
import io
import os
import resource
import socket
import sys
import threading
from pathlib import Path
from typing import BinaryIO, Final, cast

from auricle.child_processes import ignore_stop_signals
from auricle.server.recordings.decoder_frames import (
    CANCELLED,
    COUNT,
    MOST_BYTES,
    POSITION,
    SEEK,
    BadFrame,
    Kind,
    Task,
    receive,
    send,
)
from auricle.server.recordings.live_container import NoLiveContainer, live_pcm
from auricle.server.recordings.recording import Recording, RecordingError

MOST_MEMORY: Final = 1 << 30
"""Bytes of memory of its own (``RLIMIT_DATA``), for all recordings together. Python and FFmpeg take a tenth of it."""
MOST_AT_ONCE: Final = 128 << 20
"""Bytes that FFmpeg may ask for in one piece: the index of a recording of thirty hours. In a few kilobytes an MP4 can
promise so many samples that their index would take all the memory that there is."""
STACK_BYTES: Final = 1 << 20
TOO_MUCH: Final = ("it wants more memory than a recording needs", "it is damaged, so export it again")


class RemoteFile:
    """The recording, which the server reads."""

    def __init__(self, end: socket.socket, *, is_seekable: bool) -> None:
        self._end = end
        self._is_seekable = is_seekable

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, fewer where no more have come; ``b""`` at the end."""
        send(self._end, Kind.READ, COUNT.pack(MOST_BYTES if size < 0 else min(size, MOST_BYTES)))
        return receive(self._end).body

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, and return it. Raises `OSError` for one that is none."""
        send(self._end, Kind.SEEK, SEEK.pack(offset, whence))
        (position,) = POSITION.unpack(receive(self._end).body)
        if position < 0:
            raise OSError("this is no position in the recording")
        return int(position)

    def tell(self) -> int:
        """Return the position."""
        return self.seek(0, io.SEEK_CUR)

    def seekable(self) -> bool:
        """Whether `seek` works."""
        return self._is_seekable


def serve(end: socket.socket) -> None:
    """Decode the recording behind ``end``, and tell its audio, or why there is none."""
    with end:
        try:
            task = Task.unpacked(receive(end).body)
            file = cast(BinaryIO, RemoteFile(end, is_seekable=task.is_seekable))
            try:
                told = _tell(end, file, task)
            except NoLiveContainer as error:
                send(end, Kind.FAILED, str(error).encode())
            except (RecordingError, MemoryError) as error:
                problem, remedy = TOO_MUCH if isinstance(error, MemoryError) else (error.problem, error.remedy)
                send(end, Kind.FAILED, f"{problem}\n{remedy}".encode())
            else:
                send(end, Kind.DONE, told)
        except (OSError, BadFrame):
            pass  # the server is done with it


def _tell(end: socket.socket, file: BinaryIO, task: Task) -> bytes:
    """Send the audio, and return what is to be told behind it."""
    recording: Recording | None = None
    if task.is_live:
        chunks = live_pcm(file)
    else:
        recording = Recording.read(file, "", channel=task.channel)
        send(end, Kind.OPENED)
        (chunk_ms,) = POSITION.unpack(receive(end).body)
        chunks = recording.chunks(chunk_ms=chunk_ms)
    for chunk in chunks:
        for at in range(0, len(chunk), MOST_BYTES):
            send(end, Kind.CHUNK, chunk[at : at + MOST_BYTES])
    return CANCELLED if recording is not None and recording.channels_cancel else b""


def _bound(most_stored_bytes: int) -> None:
    """Have what asks for too much memory, or disk, be refused, rather than the machine run out of it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_stored_bytes, most_stored_bytes))
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.stack_size(STACK_BYTES)
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    library = ctypes.CDLL(next(line.split(maxsplit=5)[5] for line in mapped if "/libavutil" in line))
    library.av_max_alloc(ctypes.c_size_t(MOST_AT_ONCE))


def main() -> None:
    """Decode what comes, until the server disconnects."""
    ignore_stop_signals()
    descriptor, most_stored_bytes = map(int, sys.argv[1:])
    _bound(most_stored_bytes)
    control = socket.socket(fileno=descriptor)
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            break
        end = socket.socket(fileno=descriptors[0])
        threading.Thread(target=serve, args=(end,), name="recording", daemon=True).start()
    os._exit(0)


if __name__ == "__main__":
    main()
