"""What ``auricle serve`` tells the service manager that started it, and the sockets that it takes over from it."""

import socket
from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from typing import Any, Final

import trio

from auricle.server.app import SpeechServer
from auricle.server.cli.option_errors import OptionError
from auricle.server.http.negotiation import is_loopback_host
from auricle.server.server_config import ServerConfig
from auricle.server.service_manager.notifications import Notifications
from auricle.server.service_manager.socket_activation import InheritedSocketError, take_inherited_sockets
from auricle.server.status import ServerStatus

REPORT_INTERVAL_S: Final = 5.0
"""Seconds between two reports; a watchdog gets at least two within its time."""
EXTENSION_S: Final = 30.0
"""Seconds from each report on that starting and stopping may go on. A model that is downloaded takes longer than the
start of a service usually may; a process that hangs makes no reports, and gets no more time."""


def with_inherited_sockets(config: ServerConfig, environment: MutableMapping[str, str], pid: int) -> ServerConfig:
    """Return the configuration with the sockets that the service manager handed over, where it did.

    Raises `OptionError`.
    """
    try:
        inherited = take_inherited_sockets(environment, pid)
    except InheritedSocketError as error:
        raise OptionError(str(error)) from error
    changed: dict[str, Any] = {"inherited": inherited}
    if inherited.http:
        changed["host"], changed["port"] = _most_open(inherited.http)
    if inherited.wyoming:
        changed["wyoming_host"], changed["wyoming_port"] = _most_open(inherited.wyoming)
    return replace(config, **changed)


def _most_open(sockets: Sequence[socket.socket]) -> tuple[str, int]:
    """Return the address and port of one of these, of one that is open to others where there is such.

    What holds for the loopback alone must not be taken for true of several sockets.
    """
    names = [each.getsockname()[:2] for each in sockets]
    host, port = next((name for name in names if not is_loopback_host(name[0])), names[0])
    return host, port


async def report(server: SpeechServer, notifications: Notifications) -> None:
    """Tell the service manager that the server lives, and what it does, until cancelled."""
    if not notifications.wanted:
        return
    interval_s = min(REPORT_INTERVAL_S, (notifications.watchdog_s or REPORT_INTERVAL_S * 2) / 2)
    while True:
        status = server.status()
        is_up = status.engine is not None and not status.draining
        notifications.alive(status_line(status), extend_s=None if is_up else EXTENSION_S)
        await trio.sleep(interval_s)


def status_line(status: ServerStatus) -> str:
    """Return what ``systemctl status`` shows: what the server is doing, and how many sessions it has."""
    sessions = len(status.sessions)
    return f"{status.detail} {sessions} session{'' if sessions == 1 else 's'}."
