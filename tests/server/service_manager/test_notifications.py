"""What a service manager is told: the datagrams of sd_notify(3), on a socket of our own."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from auricle.server.service_manager.notifications import Notifications, take_notifications


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(10)
        yield listening


def told(manager: socket.socket) -> dict[str, str]:
    return dict(line.split("=", 1) for line in manager.recv(4096).decode().split("\n"))


def test_each_change_is_one_datagram(manager: socket.socket) -> None:
    notifications = Notifications(manager.getsockname(), watchdog_s=10)
    notifications.ready("whisper tiny.en answers.")
    assert told(manager) == {"READY": "1", "STATUS": "whisper tiny.en answers."}
    before = time.monotonic()
    notifications.reloading()
    reloading = told(manager)
    assert reloading["RELOADING"] == "1"
    assert before <= int(reloading["MONOTONIC_USEC"]) / 1e6 + 1e-6
    notifications.reloaded("1 session.")
    assert told(manager) == {"READY": "1", "STATUS": "1 session."}
    notifications.stopping("The server is shutting down.")
    assert told(manager) == {"STOPPING": "1", "STATUS": "The server is shutting down."}


def test_the_status_is_told_where_it_is_another_one(manager: socket.socket) -> None:
    notifications = Notifications(manager.getsockname(), watchdog_s=10)
    notifications.alive("0 sessions.", extend_s=30)
    assert told(manager) == {"WATCHDOG": "1", "EXTEND_TIMEOUT_USEC": "30000000", "STATUS": "0 sessions."}
    notifications.alive("0 sessions.")
    assert told(manager) == {"WATCHDOG": "1"}
    unwatched = Notifications(manager.getsockname())
    unwatched.alive("")
    unwatched.alive("1 session.")
    assert told(manager) == {"STATUS": "1 session."}


def test_a_reload_before_the_service_is_up_does_not_say_that_it_is(manager: socket.socket) -> None:
    notifications = Notifications(manager.getsockname())
    notifications.reloading()
    notifications.reloaded("")
    notifications.ready("up")
    assert told(manager) == {"READY": "1", "STATUS": "up"}


def test_no_status_can_say_more_than_it_is(manager: socket.socket) -> None:
    Notifications(manager.getsockname()).ready("a model\nMAINPID=1")
    assert told(manager) == {"READY": "1", "STATUS": "a model MAINPID=1"}


def test_a_socket_in_the_abstract_namespace() -> None:
    name = f"auricle-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        manager.settimeout(10)
        Notifications(f"@{name}").ready("")
        assert told(manager)["READY"] == "1"


def test_a_manager_that_is_gone_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notifications = Notifications(str(tmp_path / "nobody"))
    notifications.ready("")
    notifications.stopping("")
    (record,) = caplog.records
    assert "cannot be told anything" in record.getMessage()


def test_a_manager_that_does_not_read_holds_nobody_up(manager: socket.socket) -> None:
    notifications = Notifications(manager.getsockname())
    for number in range(5_000):
        notifications.ready(str(number))
    assert notifications.wanted


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "often"}, None),
    ],
)
def test_the_environment_says_it_and_no_child_inherits_that(
    environment: dict[str, str], watchdog_s: float | None
) -> None:
    environment |= {"NOTIFY_SOCKET": "/run/systemd/notify", "PATH": "/usr/bin"}
    notifications = take_notifications(environment, pid=7)
    assert (notifications.wanted, notifications.watchdog_s) == (True, watchdog_s)
    assert environment == {"PATH": "/usr/bin"}


def test_without_a_manager_nobody_is_told() -> None:
    notifications = take_notifications({}, pid=7)
    assert not notifications.wanted
    notifications.ready("")
