"""SIGHUP: the settings that can change while a server runs are read again, its keys, and its certificate.

No session is cut for it. Where something is wrong, everything stays as it was, and the log says what. A server whose
terminal has gone drains, as for any other signal: nobody is left to read what it says.
"""

import logging
import os
import signal
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import trio

from auricle.server.app import SpeechServer
from auricle.server.cli.option_errors import OptionError
from auricle.server.cli.service_reports import status_line
from auricle.server.keys.api_key import Keyring
from auricle.server.logs.setup import set_level
from auricle.server.service_manager.notifications import Notifications
from auricle.server.settings.effective import Effective
from auricle.server.settings.from_settings import server_config
from auricle.server.settings.sources import SettingsError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What is in the files that settings name."""

    keys: Keyring | None = None
    """None: no keys are asked for."""
    tls: ssl.SSLContext | None = None
    """None: there is no certificate, or one of our own making."""


async def reload_on_signal(
    server: SpeechServer,
    settings: Effective,
    read: Callable[[], Effective],
    read_files: Callable[[], Files],
    notifications: Notifications,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Read everything again at each SIGHUP, until cancelled; drain where it says that the terminal is gone.

    ``read`` raises `SettingsError`, and ``read_files`` `OptionError`; the files are those that ``settings`` name, for
    another one needs a new start. A service manager is told when that begins, and when it is done.
    """
    had_terminal = has_terminal()
    with trio.open_signal_receiver(signal.SIGHUP) as signals:
        task_status.started()
        async for _ in signals:
            if had_terminal and not has_terminal():
                os.kill(os.getpid(), signal.SIGTERM)
                continue
            notifications.reloading()
            try:
                new = await trio.to_thread.run_sync(read)
                files = await trio.to_thread.run_sync(read_files)
            except (SettingsError, OptionError) as error:
                logger.error("SIGHUP: nothing is changed: %s", error)
            else:
                _apply(server, settings, new, files)
                settings = new
            notifications.reloaded(status_line(server.status()))


def _apply(server: SpeechServer, old: Effective, new: Effective, files: Files) -> None:
    changed = old.changes(new)
    config = server_config(new)
    set_level(str(new.value("log_level")))
    server.use_bounds(
        max_sessions=config.max_sessions,
        max_sessions_per_peer=config.max_sessions_per_peer,
        max_detached=config.max_detached,
    )
    if files.keys is not None:
        server.use_keys(files.keys)
    if files.tls is not None:
        server.use_certificate(files.tls)
    waiting = [setting.name for setting in changed if not setting.reloads]
    if waiting:
        logger.warning("SIGHUP: %s will be as the settings say after a new start", ", ".join(waiting))
    taken = ", ".join(setting.name for setting in changed if setting.reloads) or "no setting"
    count = None if files.keys is None else len(files.keys)
    logger.info("SIGHUP: read again", extra={"changed": taken, "keys_count": count})


def has_terminal() -> bool:
    """Whether the process has a terminal that it belongs to."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
