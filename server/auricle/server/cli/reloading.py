"""SIGHUP: the settings that can change while a server runs are read again, and its keys. No session is cut for it.

Where something is wrong, everything stays as it was, and the log says what. A server whose terminal has gone drains,
as for any other signal: nobody is left to read what it says.
"""

import logging
import os
import signal
from collections.abc import Callable

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

ReadKeys = Callable[[str], Keyring]
"""Reads a file of keys. Raises `OptionError`."""


async def reload_on_signal(
    server: SpeechServer,
    settings: Effective,
    read: Callable[[], Effective],
    read_keys: ReadKeys,
    notifications: Notifications,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Read everything again at each SIGHUP, until cancelled; drain where it says that the terminal is gone.

    A service manager is told when that begins, and when it is done.
    """
    had_terminal = has_terminal()
    with trio.open_signal_receiver(signal.SIGHUP) as signals:
        task_status.started()
        async for _ in signals:
            if had_terminal and not has_terminal():
                os.kill(os.getpid(), signal.SIGTERM)
                continue
            notifications.reloading()
            keys_file = settings.value("keys_file")
            try:
                new = await trio.to_thread.run_sync(read)
                keys = None if keys_file is None else await trio.to_thread.run_sync(read_keys, str(keys_file))
            except (SettingsError, OptionError) as error:
                logger.error("SIGHUP: nothing is changed: %s", error)
            else:
                _apply(server, settings, new, keys)
                settings = new
            notifications.reloaded(status_line(server.status()))


def _apply(server: SpeechServer, old: Effective, new: Effective, keys: Keyring | None) -> None:
    changed = old.changes(new)
    config = server_config(new)
    set_level(str(new.value("log_level")))
    server.use_bounds(
        max_sessions=config.max_sessions,
        max_sessions_per_peer=config.max_sessions_per_peer,
        max_detached=config.max_detached,
    )
    if keys is not None:
        server.use_keys(keys)
    waiting = [setting.name for setting in changed if not setting.reloads]
    if waiting:
        logger.warning("SIGHUP: %s will be as the settings say after a new start", ", ".join(waiting))
    taken = ", ".join(setting.name for setting in changed if setting.reloads) or "no setting"
    logger.info("SIGHUP: read again", extra={"changed": taken, "keys_count": None if keys is None else len(keys)})


def has_terminal() -> bool:
    """Whether the process has a terminal that it belongs to."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
