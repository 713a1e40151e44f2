"""Our two drivers and their loops, for the kit."""

from contextlib import AbstractAsyncContextManager
from types import ModuleType

import auricle.transports.asyncio.client as asyncio_client
import auricle.transports.trio.client as trio_client
from auricle.core import ClientSession
from auricle.transports.driver import OpenWire
from auricle.transports.testing.asyncio import AsyncioLoop
from auricle.transports.testing.driver_harness import Drive, DrivenClient
from auricle.transports.testing.loop import Loop
from auricle.transports.testing.trio import TrioLoop

CLIENTS: dict[str, ModuleType] = {"trio": trio_client, "asyncio": asyncio_client}


def drive_trio(session: ClientSession, open_wire: OpenWire) -> AbstractAsyncContextManager[DrivenClient]:
    return trio_client.run_client(trio_client.Client(session, open_wire))


def drive_asyncio(session: ClientSession, open_wire: OpenWire) -> AbstractAsyncContextManager[DrivenClient]:
    return asyncio_client.run_client(asyncio_client.Client(session, open_wire))


DRIVERS: dict[str, tuple[Loop, Drive]] = {
    "trio": (TrioLoop(), drive_trio),
    "asyncio": (AsyncioLoop(), drive_asyncio),
    "asyncio, timers early": (AsyncioLoop(early_s=0.01), drive_asyncio),
}
