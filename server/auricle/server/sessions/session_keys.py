"""The keys of a server, as its sessions see them: who is let in, and which sessions have to end with their key."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from auricle.server.keys.access import Access, Denied
from auricle.server.keys.api_key import Keyring
from auricle.server.keys.scopes import Scope
from auricle.server.keys.usage_file import UsageFile
from auricle.server.keys.usage_keeper import UsageKeeper
from auricle.server.sessions.caller import Caller
from auricle.server.sessions.key_guard import KeyGuard
from auricle.transports.trio.server import Connection

CHECKED_S: Final = 5.0
"""Seconds between two looks at whether the keys of open sessions have expired."""


class SessionKeys:
    """Of one server. ``usage_file``: where a day's audio is kept; None: in memory alone."""

    def __init__(self, access: Access, usage_file: str | None = None) -> None:
        self.access: Final = access
        self._keeper = None if usage_file is None else UsageKeeper(access, UsageFile(usage_file))
        self._guards: set[KeyGuard] = set()

    def let_in(self, address: str, key: str | None) -> Caller | Denied:
        """Return who presents a key for a session, or why it is not let in."""
        granted = self.access.authorise(key, Scope.TRANSCRIBE, trio.current_time())
        return granted if isinstance(granted, Denied) else Caller(address, granted)

    @contextmanager
    def guarding(self, connection: Connection, caller: Caller) -> Iterator[KeyGuard]:
        """Count a session among those of its key, and hold it to that key, for the length of the block."""
        guard = KeyGuard(self.access, caller.grant, connection)
        with self.access.holding(caller.grant):
            self._guards.add(guard)
            try:
                yield guard
            finally:
                self._guards.discard(guard)

    def use(self, keys: Keyring) -> None:
        """Ask for these keys from now on; sessions whose key is gone are ended with an error."""
        self.access.use(keys)
        self._check()

    async def watch(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """End sessions whose key has expired, and keep what is counted, for ever. Started when what was kept counts."""
        async with trio.open_nursery() as nursery:
            if self._keeper is not None and self.access.has_keys:
                await nursery.start(self._keeper.run)
            task_status.started()
            while True:
                await trio.sleep(CHECKED_S)
                self._check()

    def _check(self) -> None:
        for guard in tuple(self._guards):
            guard.check()
