"""Keeps the day's audio of a server in a file while it runs: a new start goes on counting where the last one was."""

import logging
from typing import Final

import trio

from auricle.server.keys.access import Access
from auricle.server.keys.usage_file import UsageFile, UsageFileError

logger = logging.getLogger(__name__)

KEPT_S: Final = 5.0
"""Seconds between two writes: as much of the counting is lost where a server is killed."""


class UsageKeeper:
    """Of one server."""

    def __init__(self, access: Access, file: UsageFile) -> None:
        self._access = access
        self._file = file
        self._failed = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep until cancelled, and once more then. Started when what is in the file counts."""
        await self._keep()
        task_status.started()
        try:
            while True:
                await trio.sleep(KEPT_S)
                await self._keep()
        finally:
            with trio.CancelScope(shield=True):
                await self._keep()

    async def _keep(self) -> None:
        counted = self._access.take_unkept()
        try:
            total = await trio.to_thread.run_sync(self._file.add, counted)
        except UsageFileError as error:
            self._access.untake(counted)
            if not self._failed:
                logger.error("The day's audio of keys is counted in memory alone until it can be kept: %s", error)
            self._failed = True
        else:
            self._access.use_total(total)
            self._failed = False
