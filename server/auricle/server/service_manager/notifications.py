"""What a service manager is told about this process: sd_notify(3), as systemd and others understand it.

It is a dozen lines over a datagram socket. The packages that do the same are either without a release for years
(``sdnotify``) or need the headers of a C library where they are installed (``systemd-python``).
"""

import logging
import socket
import time
from collections.abc import Mapping, MutableMapping
from typing import Final

logger = logging.getLogger(__name__)

NOTIFY_SOCKET: Final = "NOTIFY_SOCKET"
WATCHDOG_USEC: Final = "WATCHDOG_USEC"
WATCHDOG_PID: Final = "WATCHDOG_PID"
MICROSECONDS: Final = 1_000_000


class Notifications:
    """Tells a service manager how the process is doing. Where there is none, or it is gone, nothing happens."""

    def __init__(self, address: str | None, *, watchdog_s: float | None = None) -> None:
        """Take the address of the manager's socket, None where there is none, and its watchdog's time.

        An address that begins with ``@`` is in the abstract namespace (unix(7)).
        """
        self._address = None if address is None else address.replace("@", "\0", 1) if address[:1] == "@" else address
        self._status = ""
        self._is_up = False
        self.watchdog_s = watchdog_s
        """Seconds without a sign of life after which the manager ends the process; None: it does not watch."""

    @property
    def wanted(self) -> bool:
        """Whether there is anybody to tell."""
        return self._address is not None

    def ready(self, status: str) -> None:
        """Say that the service is up."""
        self._is_up = True
        self._send(READY="1", STATUS=status)

    def reloading(self) -> None:
        """Say that the configuration is being read again, until `reloaded`; nothing before the service is up.

        ``Type=notify-reload`` wants the time too, on the clock of systemd, to tell one reload from the next.
        """
        if self._is_up:
            self._send(RELOADING="1", MONOTONIC_USEC=str(int(time.monotonic() * MICROSECONDS)))

    def reloaded(self, status: str) -> None:
        """Say that this is done."""
        if self._is_up:
            self.ready(status)

    def stopping(self, status: str) -> None:
        """Say that the service is on its way down."""
        self._send(STOPPING="1", STATUS=status)

    def alive(self, status: str, *, extend_s: float | None = None) -> None:
        """Give a sign of life, and the status where it is another one.

        ``extend_s``: what it is doing, starting or stopping, may take so many seconds from now.
        """
        said = {} if self.watchdog_s is None else {"WATCHDOG": "1"}
        if extend_s is not None:
            said["EXTEND_TIMEOUT_USEC"] = str(int(extend_s * MICROSECONDS))
        if status != self._status:
            said["STATUS"] = status
        if said:
            self._send(**said)

    def _send(self, **said: str) -> None:
        self._status = said.get("STATUS", self._status)
        if self._address is None:
            return
        # A line is an assignment: a line break within a status would begin another one.
        message = "\n".join(f"{name}={' '.join(value.split())}" for name, value in said.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
                notify.setblocking(False)
                notify.connect(self._address)
                notify.send(message.encode())
        except BlockingIOError:
            pass  # the manager is behind with reading, and will be told again
        except OSError as error:
            logger.warning("The service manager cannot be told anything: %s", error.strerror)
            self._address = None


def take_notifications(environment: MutableMapping[str, str], pid: int) -> Notifications:
    """Return the way to the service manager, and take it out of the environment, so that no child speaks for us."""
    address = environment.pop(NOTIFY_SOCKET, None)
    watchdog_s = _watchdog_s(environment, pid)
    for name in (WATCHDOG_USEC, WATCHDOG_PID):
        environment.pop(name, None)
    return Notifications(address or None, watchdog_s=watchdog_s)


def _watchdog_s(environment: Mapping[str, str], pid: int) -> float | None:
    """Return the watchdog's time in seconds, None where it watches nobody or another (sd_watchdog_enabled(3))."""
    if environment.get(WATCHDOG_PID, str(pid)) != str(pid):
        return None
    microseconds = environment.get(WATCHDOG_USEC, "")
    return int(microseconds) / MICROSECONDS if microseconds.isdecimal() and int(microseconds) else None
