"""Auricle for trio: the client `connect`, and the driver and wires that servers and other transports build on."""

from auricle.transports.client import Change
from auricle.transports.errors import ConnectFailed, InvalidURL, SessionOver
from auricle.transports.trio.client import Client, connect

__all__ = ["Change", "Client", "ConnectFailed", "InvalidURL", "SessionOver", "connect"]
