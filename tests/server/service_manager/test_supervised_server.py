"""`auricle serve` under a service manager of our own: it opens the sockets, and is told what becomes of the server."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from auricle.server.service_manager.socket_activation import InheritedSocketError, take_inherited_sockets
from server.clients import BACKENDS, talk

FAR_S = 60.0
FIRST = 3
LAUNCHER = """if True:
    import fcntl, os, sys
    given, names, program = sys.argv[1], sys.argv[2], sys.argv[3:]
    descriptors = [int(each) for each in given.split(",") if each]
    kept = [fcntl.fcntl(each, fcntl.F_DUPFD, 100) for each in descriptors]  # out of the way
    for at, each in enumerate(kept):
        os.dup2(each, 3 + at, inheritable=True)
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(kept)), "LISTEN_FDNAMES": names}
    os.execv(sys.executable, [sys.executable, "-c", "from auricle.server.cli.entry import main; main()", *program])
"""
"""What a service manager does between fork and exec: LISTEN_PID is the process that the server will be."""


class Manager:
    """Sockets that listen, and the socket on which it is told."""

    def __init__(self, folder: Path) -> None:
        self.http = socket.create_server(("127.0.0.1", 0))
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(folder / "notify"))
        self.notify.settimeout(FAR_S)

    @property
    def port(self) -> int:
        return int(self.http.getsockname()[1])

    def close(self) -> None:
        self.http.close()
        self.notify.close()

    def told(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.notify.recv(4096).decode().split("\n"))

    def told_of(self, name: str) -> dict[str, str]:
        """The next datagram that assigns this name."""
        while True:
            said = self.told()
            if name in said:
                return said

    @contextmanager
    def serving(
        self, *arguments: str, sockets: Mapping[socket.socket, str] | None = None
    ) -> Iterator["subprocess.Popen[str]"]:
        handed = {self.http: "http"} if sockets is None else sockets
        descriptors = [each.fileno() for each in handed]
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", LAUNCHER, ",".join(map(str, descriptors)), ":".join(handed.values())),
                *("serve", "--engine", "scripted", "--engine-isolation", "thread", *arguments),
            ],
            env={**os.environ, "NOTIFY_SOCKET": self.notify.getsockname(), "WATCHDOG_USEC": "400000"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=descriptors,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path)
    yield made
    made.close()


def test_it_serves_on_the_socket_that_it_was_given_and_tells_of_its_life(manager: Manager) -> None:
    with manager.serving() as process:
        ready = manager.told_of("READY")
        assert ready["STATUS"] == "scripted counting answers. 0 sessions."
        result = talk(BACKENDS[0], f"ws://127.0.0.1:{manager.port}/ws/transcribe", chunks=[bytes(32_000)] * 2)
        assert result.closed.complete
        assert manager.told_of("WATCHDOG")
        process.send_signal(signal.SIGHUP)
        assert manager.told_of("RELOADING")
        assert manager.told_of("READY")["STATUS"] == "scripted counting answers. 0 sessions."
        process.send_signal(signal.SIGTERM)
        assert manager.told_of("STOPPING")["STATUS"].startswith("The server is shutting down.")
        output, complaints = process.communicate(timeout=FAR_S)
    assert process.returncode == 0
    assert {json.loads(line)["level"] for line in complaints.splitlines()} == {"info"}
    assert f"ws://127.0.0.1:{manager.port}/" in output


def test_who_connects_while_there_is_no_server_waits_for_the_next_one(manager: Manager) -> None:
    with socket.create_connection(("127.0.0.1", manager.port), timeout=FAR_S) as early:
        early.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        with manager.serving():
            assert early.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_socket_by_the_name_of_wyoming_is_for_home_assistant(manager: Manager) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as wyoming,
        manager.serving(sockets={manager.http: "auricle.socket", wyoming: "wyoming"}),
    ):
        manager.told_of("READY")
        with socket.create_connection(wyoming.getsockname(), timeout=FAR_S) as client:
            client.sendall(b'{"type": "describe"}\n')
            header = json.loads(client.makefile().readline())
        assert header["type"] == "info"
        with urllib.request.urlopen(f"http://127.0.0.1:{manager.port}/healthz", timeout=FAR_S) as answer:
            assert answer.status == 200


def test_what_cannot_be_listened_on_is_one_sentence(manager: Manager) -> None:
    with socket.socket() as connected_to_nobody, manager.serving(sockets={connected_to_nobody: "http"}) as process:
        _, complaints = process.communicate(timeout=FAR_S)
    assert process.returncode == 2
    (sentence,) = complaints.splitlines()
    assert "no listening TCP socket: the socket unit needs `ListenStream=` with a port" in sentence


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LISTEN_PID": "8", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "http"},
        {"LISTEN_PID": "7", "LISTEN_FDS": "", "LISTEN_FDNAMES": ""},
        {"LISTEN_PID": "7"},
    ],
)
def test_sockets_of_another_process_are_not_taken_and_no_child_sees_them(environment: dict[str, str]) -> None:
    assert take_inherited_sockets(environment, pid=7) == ((), ())
    assert environment == {}


def test_a_descriptor_that_is_not_there_is_told() -> None:
    with pytest.raises(InheritedSocketError, match="file descriptor 3"):
        take_inherited_sockets({"LISTEN_PID": "7", "LISTEN_FDS": "100000"}, pid=7)
