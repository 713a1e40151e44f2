"""Validation of the WebSocket opening handshake (RFC 6455 §4.2.1): a pure function of the request head."""

import base64
import binascii
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import h11

from auricle.server.http.problem_details import Problem

WEBSOCKET_VERSION: Final = "13"

_READ_AS_ASCII: Final = frozenset(
    {b"host", b"connection", b"upgrade", b"origin"}
    | {b"sec-websocket-" + name for name in (b"key", b"version", b"protocol", b"extensions")}
)


def handshake_problem(request: h11.Request) -> Problem | None:
    """Return the problem with a WebSocket handshake request by RFC 6455 §4.2.1, or None where it is valid.

    Checked here because trio-websocket waits for ever after a malformed handshake request, and raises on header bytes
    beyond ASCII.
    """
    values: dict[bytes, list[str]] = {}
    for name, value in request.headers:
        if name in _READ_AS_ASCII and not value.isascii():
            return _bad_handshake("Its headers are not ASCII.")
        values.setdefault(name, []).append(value.decode("latin-1"))
    if values.get(b"sec-websocket-version") != [WEBSOCKET_VERSION]:
        # RFC 6455 §4.4: 426, with the version that the server speaks.
        return Problem(
            status=HTTPStatus.UPGRADE_REQUIRED,
            code="bad_handshake",
            detail=f"This server speaks WebSocket version {WEBSOCKET_VERSION}.",
            extra_headers=(("Sec-WebSocket-Version", WEBSOCKET_VERSION),),
        )
    faults = {
        "It is not a GET in HTTP/1.1.": (request.method, request.http_version) != (b"GET", b"1.1"),
        "'Connection: Upgrade' is missing.": "upgrade" not in _tokens(values.get(b"connection", [])),
        "Its Host is not a host.": not _is_host(values.get(b"host", [])),
        "Sec-WebSocket-Key is not 16 bytes in base64.": not _is_key(values.get(b"sec-websocket-key", [])),
        "It has a body.": b"transfer-encoding" in values or values.get(b"content-length", ["0"]) != ["0"],
    }
    return next((_bad_handshake(why) for why, wrong in faults.items() if wrong), None)


def _bad_handshake(why: str) -> Problem:
    return Problem(status=HTTPStatus.BAD_REQUEST, code="bad_handshake", detail=f"Not a WebSocket handshake. {why}")


def _tokens(values: Sequence[str]) -> set[str]:
    return {item.strip().lower() for value in values for item in value.split(",")}


def _is_host(values: Sequence[str]) -> bool:
    """Whether wsproto can parse the ``Host`` header. IPv6 without brackets passes: trio-websocket sends it."""
    if len(values) != 1 or not values[0]:
        return False
    try:
        values[0].encode().decode("idna")
    except UnicodeError:
        return False
    return True


def _is_key(values: Sequence[str]) -> bool:
    try:
        return len(values) == 1 and len(base64.b64decode(values[0], validate=True)) == 16
    except binascii.Error:
        return False
