"""Auricle for asyncio: the client `connect`, and the driver that other transports build on."""

from auricle.transports.asyncio.client import Client, connect
from auricle.transports.client import Change
from auricle.transports.errors import ConnectFailed, InvalidURL, SessionOver

__all__ = ["Change", "Client", "ConnectFailed", "InvalidURL", "SessionOver", "connect"]
