"""Requests whose end a proxy and the server could see in different places, each with a second one hidden behind it.

Source: RFC 9112 §6, §7.1 and §11.2, and what proxies and servers have been found to differ in.
"""

import re
from typing import Final

from abuse.attacks.crowd import crowd
from abuse.fates import Fates
from abuse.target import Target
from abuse.wire import attacking

PATIENCE_S: Final = 100.0
ANSWER: Final = re.compile(rb"HTTP/1\.1 \d{3} ")
HIDDEN: Final = b"GET /hidden HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HOST: Final = b"Host: 127.0.0.1\r\n"
LINE: Final = b"POST /v1/transcribe HTTP/1.1\r\n" + HOST
CHUNKED: Final = LINE + b"Transfer-Encoding: chunked\r\n\r\n"

AMBIGUOUS: Final[dict[str, bytes]] = {
    "a length, then chunks": LINE + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks, then a length": LINE + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two codings": LINE + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "chunks twice": LINE + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunks that are not last": LINE + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a coding that is none": LINE + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding with a tab": LINE + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": LINE + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded header": LINE + b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 4, 5\r\n\r\n0\r\n\r\n",
    "a folded first header": b"POST / HTTP/1.1\r\n Host: a\r\n\r\n",
    "two lengths": LINE + b"Content-Length: 0\r\nContent-Length: 40\r\n\r\n",
    "a list of lengths": LINE + b"Content-Length: 0, 40\r\n\r\n",
    "a length with a sign": LINE + b"Content-Length: +0\r\n\r\n",
    "a length below zero": LINE + b"Content-Length: -1\r\n\r\n",
    "a length in hexadecimal": LINE + b"Content-Length: 0x0\r\n\r\n",
    "a length in other digits": LINE + "Content-Length: ٠\r\n\r\n".encode(),
    "a length with a NUL": LINE + b"Content-Length: 0\0\r\n\r\n",
    "a bare carriage return": LINE + b"X: y\rContent-Length: 40\r\n\r\n",
    "a name with a line feed": LINE + b"X\n: y\r\n\r\n",
    "a chunk in hexadecimal": CHUNKED + b"0x0\r\n\r\n",
    "a chunk with a sign": CHUNKED + b"+0\r\n\r\n",
    "a chunk that is longer than it says": CHUNKED + b"1\r\nxGG0\r\n\r\n",
    "a chunk that ends with a line feed": CHUNKED + b"1\nx\n0\n\n",
    "a chunk of 2^76 bytes": CHUNKED + b"1" + b"0" * 19 + b"\r\nx",
    "an extension with a line feed": CHUNKED + b"1;a\nb\r\nx\r\n0\r\n\r\n",
    "an extension without end": CHUNKED + b"1;" + b"a" * 100_000,
    "trailers without end": CHUNKED + b"0\r\n" + b"X: y\r\n" * 20_000,
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
}
"""What each begins with; the hidden request comes behind it."""


async def hidden_requests(target: Target) -> Fates:
    """Requests whose end is a matter of opinion, each with another one hidden behind it."""
    fates = Fates()
    told = list(AMBIGUOUS.items())

    async def one(number: int) -> None:
        name, begin = told[number]
        async with attacking(target.port) as attacker:
            await attacker.send(begin + HIDDEN)
            fates.add(*await attacker.until_gone(PATIENCE_S))
            if len(ANSWER.findall(attacker.received)) > 1:
                fates.faults.append(f"{name}: the hidden request was answered.")

    await crowd(len(told), one)
    fates.expect("400", "408", "501")
    return fates
