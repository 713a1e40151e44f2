"""Whether a server may listen where it is told to: beyond the loopback only those with keys, or those who insist."""

from ipaddress import ip_address

from auricle.server.cli.option_errors import OptionError
from auricle.server.http.negotiation import is_loopback_host
from auricle.server.server_config import ServerConfig


def check_exposure(config: ServerConfig) -> None:
    """Raise `OptionError` for a server that strangers could use. For those who do not say ``--insecure``."""
    if config.keys is None and not is_loopback_host(config.host):
        raise OptionError(
            f"On {config.host} everybody who reaches this machine could use the server: make a key with `auricle keys "
            "add NAME --keys-file FILE` and give --keys-file FILE, or say --insecure."
        )
    host = config.wyoming_host or config.host
    if config.wyoming_port is not None and not is_private(host):
        raise OptionError(
            f"Wyoming has no keys, and on {host} everybody could use it: give --wyoming-host an address of the "
            "loopback or of a private network, or say --insecure."
        )


def is_private(host: str) -> bool:
    """Whether a host is the loopback or an address of a private network, judged by its spelling alone."""
    if is_loopback_host(host):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_private and not address.is_unspecified
