"""The runner: runs checks against a server, each over its own connections and with its own timeout."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import trio

from auricle.core import AuricleError
from auricle.transports.address import parse_address
from auricle.transports.testing.conformance.checks import CHECKS
from auricle.transports.testing.conformance.failures import Failed, NotApplicable
from auricle.transports.testing.conformance.results import Check, Verdict
from auricle.transports.testing.conformance.server_under_test import ServerUnderTest, synthetic_speech
from auricle.transports.wire import WireLost

TIMEOUT_S: Final = 30.0
MIN_CONNECT_TIMEOUT_S: Final = 10.0
"""Minimum timeout in seconds to open the first WebSocket: the server's machine may be busy."""


class Unreachable(AuricleError):
    """No WebSocket can be opened at the address. The message is one sentence."""


async def check_server(
    url: str,
    *,
    checks: Sequence[Check] = CHECKS,
    speech: bytes | None = None,
    api_key: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> AsyncIterator[Verdict]:
    """Yield a `Verdict` for each check, in order.

    ``speech`` is 16 kHz mono 16-bit PCM with words in it, of 1 to 10 s; the default is a synthetic voice without
    words. Each check has ``timeout_s`` seconds, and the first connection at least `MIN_CONNECT_TIMEOUT_S`.
    Raises `InvalidURL` and `Unreachable`.
    """
    address = parse_address(url)
    headers = [("Authorization", f"Bearer {api_key}")] if api_key else []
    pcm = synthetic_speech() if speech is None else speech
    await _require_reachable(
        ServerUnderTest(address=address, speech=pcm, headers=headers), max(timeout_s, MIN_CONNECT_TIMEOUT_S)
    )
    for check in checks:
        server = ServerUnderTest(address=address, speech=pcm, headers=headers)
        yield await _run_check(check, server, timeout_s)


async def _require_reachable(server: ServerUnderTest, timeout_s: float) -> None:
    try:
        with trio.fail_after(timeout_s):
            async with server.connect():
                pass
    except trio.TooSlowError:
        raise Unreachable(f"{server.address.url} did not answer within {timeout_s:g} s.") from None
    except WireLost as lost:
        why = lost.reason.removeprefix(f"{server.address.url}: ")
        raise Unreachable(f"No WebSocket can be opened at {server.address.url}: {why}.") from None


async def _run_check(check: Check, server: ServerUnderTest, timeout_s: float) -> Verdict:
    try:
        with trio.fail_after(timeout_s):
            await check.run(server)
    except trio.TooSlowError:
        return _failed(check, server, f"nothing more came within {timeout_s:g} s")
    except Exception as error:
        return _result_of(check, server, first_cause(error))
    return Verdict(check=check, outcome="passed")


def _result_of(check: Check, server: ServerUnderTest, error: Exception) -> Verdict:
    match error:
        case NotApplicable():
            return Verdict(check=check, outcome="not applicable", why=str(error))
        case Failed():
            return _failed(check, server, str(error))
        case WireLost():
            return _failed(check, server, f"the connection could not be made: {error.reason}")
        case AuricleError() | LookupError() | AttributeError() | TypeError() | ValueError() | RecursionError():
            # A malformed message of the server made the check raise.
            return _failed(check, server, f"a message is not what it should be ({type(error).__name__}: {error})")
        case _:
            raise error


def first_cause(error: Exception) -> Exception:
    """Return the first exception that is not a group: the nursery of a connection wraps exceptions in groups."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _failed(check: Check, server: ServerUnderTest, why: str) -> Verdict:
    trace = tuple(line for client in server.clients for line in client.lines)
    return Verdict(check=check, outcome="failed", why=why, trace=trace)
