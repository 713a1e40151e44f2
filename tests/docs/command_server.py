"""`auricle` for shells, without the second that a start takes: a process that has everything imported, and forks.

``auricle`` in the folder that `commands` yields asks it, with its arguments, folder, environment and streams.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLIENT = """#!{python} -SE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({path!r})
    asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [asked], [0, 1, 2])
    sys.exit((server.recv(1) or bytes([255]))[0])
"""
MOST_BYTES = 200_000


@contextmanager
def commands(folder: Path) -> Iterator[Path]:
    """Yield a folder for PATH: in it is ``auricle``."""
    path = folder / "commands.socket"
    programs = folder / "programs"
    programs.mkdir()
    client = programs / "auricle"
    client.write_text(CLIENT.format(python=sys.executable, path=str(path)), encoding="utf-8")
    client.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), str(listening.fileno())], pass_fds=[listening.fileno()]
        )
        try:
            yield programs
        finally:
            process.kill()
            process.wait()


def serve(listening: socket.socket) -> None:
    """Run a command for each connection, in a process of its own."""
    from auricle.server import app, transcription  # noqa: F401
    from auricle.server.cli import main, transcribe  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = listening.accept()
        if os.fork() == 0:
            run(connection)
        connection.close()


def run(connection: socket.socket) -> None:
    from auricle.server.cli import entry

    asked, streams, _, _ = socket.recv_fds(connection, MOST_BYTES, 3)
    arguments, folder, environment = json.loads(asked)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for at, stream in enumerate(streams):
        os.dup2(stream, at)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["auricle", *arguments]
    status = 255
    try:
        entry.main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        connection.send(bytes([status]))
        os._exit(status)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
