"""The announcement of the Wyoming port by multicast DNS, ``_wyoming._tcp.local.``: Home Assistant finds it by itself.

zeroconf has an event loop and a thread of its own, so its calls are made in worker threads. Sources: RFC 6763; what
Home Assistant's integration and the ``wyoming`` package agree on.
"""

import logging
import socket
from functools import partial
from importlib import import_module
from ipaddress import ip_address
from types import ModuleType
from typing import Any, Final

import trio

logger = logging.getLogger(__name__)

SERVICE: Final = "_wyoming._tcp.local."
LONGEST_LABEL: Final = 63
"""Bytes of a name (RFC 6763 §4.1.1)."""
EVERY_ADDRESS: Final = frozenset({"0.0.0.0", "", "::"})
"""The hosts that stand for all addresses of a machine."""


async def announce(host: str, port: int, closing: trio.Event) -> None:
    """Announce that Wyoming is spoken on ``port`` of ``host``, until ``closing`` is set or this is cancelled.

    A network that cannot be told is a warning in the log: the address can be given by hand. Raises `ImportError` where
    zeroconf is not installed.
    """
    library = import_module("zeroconf")
    try:
        announced = await trio.to_thread.run_sync(partial(_register, library, host, port))
    except (OSError, library.Error) as error:
        why = str(error) or type(error).__name__
        logger.warning("Wyoming is not announced (%s): tell Home Assistant the address, port %d.", why, port)
        return
    try:
        await closing.wait()
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(announced.close)  # which says goodbye


def _register(library: ModuleType, host: str, port: int) -> Any:
    """Return a responder that answers for the service, whose name is made unique on this network."""
    addresses = _of_this_machine() if host in EVERY_ADDRESS else _of_host(host)
    version = library.IPVersion.All if any(":" in each for each in addresses) else library.IPVersion.V4Only
    responder = library.Zeroconf(interfaces=addresses, ip_version=version)
    try:
        info = library.ServiceInfo(
            SERVICE,
            f"{instance_name()}.{SERVICE}",
            parsed_addresses=addresses,
            port=port,
            properties={"server": "auricle"},
        )
        responder.register_service(info, allow_name_change=True)
    except BaseException:
        responder.close()
        raise
    return responder


def instance_name() -> str:
    """Return what the service is called: this program, on this machine."""
    name = f"Auricle on {socket.gethostname().partition('.')[0]}"
    return name.encode()[:LONGEST_LABEL].decode(errors="ignore")


def _of_host(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _of_this_machine() -> list[str]:
    """Return the IPv4 addresses by which others reach this machine; the loopback where there is no other."""
    adapters = import_module("ifaddr").get_adapters()  # which zeroconf itself asks
    found = [str(each.ip) for adapter in adapters for each in adapter.ips if each.is_IPv4]
    return [each for each in found if not ip_address(each).is_loopback] or found
