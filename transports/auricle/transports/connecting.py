"""What ``connect`` returns before ``async with`` enters it, and what it says to those who use it otherwise."""

import warnings
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Generic, NoReturn, TypeVar

from auricle.core import Start

Client = TypeVar("Client")


class Connecting(AbstractAsyncContextManager[Client], Generic[Client]):
    """A connection that is made when the block of ``async with`` begins, and closed when it ends."""

    def __init__(self, connection: AbstractAsyncContextManager[Client]) -> None:
        self._connection = connection
        self._open = False

    async def __aenter__(self) -> Client:
        client = await self._connection.__aenter__()
        self._open = True
        return client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._open = False
        return await self._connection.__aexit__(kind, error, trace)

    def __del__(self) -> None:
        """Warn of a session that was dropped: the event loop closes it, at some time, and its results are lost."""
        if self.__dict__.get("_open"):
            warnings.warn(
                "A session was dropped without being closed: leave the block of `async with connect(url) as session:`, "
                "or keep what connect() returned as long as the session, and call its `__aexit__`.",
                ResourceWarning,
                stacklevel=1,  # whoever dropped it is not on the stack
                source=self,
            )

    def __await__(self) -> NoReturn:
        raise TypeError("connect() is not awaited: write `async with connect(url) as session:`.")

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"There is no session yet with a {name!r}: write `async with connect(url) as session:`.")


def check_arguments(url: object, config: object) -> None:
    """Raise `TypeError`, with the remedy, where ``connect`` was given something else than a URL and a `Start`."""
    if not isinstance(url, str):
        raise TypeError(f"connect() takes a URL such as 'ws://127.0.0.1:8765', not {type(url).__name__}.")
    if config is not None and not isinstance(config, Start):
        raise TypeError(
            f"connect() takes its configuration as auricle.core.Start, not {type(config).__name__}: write "
            "connect(url, Start(language='en', audio=AudioFormat(sample_rate=16_000)))."
        )
