"""Auricle for asyncio: the client `connect`, and the driver that other transports build on."""

from auricle.transports.client import Change
from auricle.transports.errors import ConnectFailed, InvalidURL, SessionOver
from auricle.transports.missing_extra import missing_extra

try:
    from auricle.transports.asyncio.client import Client, connect
except ModuleNotFoundError as error:
    raise missing_extra(__name__, "asyncio", error) from error

__all__ = ["Change", "Client", "ConnectFailed", "InvalidURL", "SessionOver", "connect"]
