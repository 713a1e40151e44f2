"""TLS on the one port: the context of a certificate and its key, and the stream of one connection."""

import os
import socket
import ssl
from contextlib import suppress
from http import HTTPStatus
from typing import Final, NoReturn

import trio

from auricle.core.errors import AuricleError
from auricle.server.http.problem_details import Problem

HANDSHAKE: Final = b"\x16"
"""The first byte of a TLS connection (RFC 8446 §5.1)."""
RECEIVE_BYTES: Final = 64 * 1024


class CertificateError(AuricleError):
    """A certificate or its key cannot be used. The message is one sentence for the operator."""


def server_context(certificate: str | os.PathLike[str], key: str | os.PathLike[str] | None = None) -> ssl.SSLContext:
    """Return the context of a server with a certificate chain and its key, both in PEM; ``key`` None: in one file.

    Raises `CertificateError`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    certificate, key_file = os.fspath(certificate), os.fspath(certificate if key is None else key)
    written = _read(certificate, "certificate")
    key_written = _read(key_file, "key")
    if b"-----BEGIN CERTIFICATE-----" not in written:
        raise CertificateError(f"{certificate} holds no certificate: give the chain in PEM, as it was issued.")
    if b"PRIVATE KEY-----" not in key_written:
        remedy = "give its file as --tls-key" if key is None else "give the key in PEM"
        raise CertificateError(f"{key_file} holds no private key: {remedy}.")
    try:
        context.load_cert_chain(certificate, key_file, password=lambda: _refuse_to_ask(key_file))
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            why = f"The key in {key_file} does not belong to the certificate in {certificate}: give the two together."
        else:
            why = f"The certificate in {certificate}, or the key in {key_file}, is damaged: copy or issue them again."
        raise CertificateError(why) from None
    return context


def _read(file: str, what: str) -> bytes:
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "that is no possible path").lower()
        raise CertificateError(f"Cannot read the {what} {file}: {reason}; check the path.") from None


def _refuse_to_ask(key: str) -> NoReturn:
    raise CertificateError(
        f"The key in {key} is encrypted, and a server cannot ask for its passphrase: store it decrypted, as in "
        f"`openssl pkey -in {key} -out PLAIN`, where only the server may read it."
    )


class TlsStream(trio.abc.HalfCloseableStream):
    """The server's end of one connection with TLS. The handshake comes with the first read."""

    def __init__(self, socket_stream: trio.SocketStream, context: ssl.SSLContext) -> None:
        self._socket_stream = socket_stream
        self._tls = trio.SSLStream(socket_stream, context, server_side=True, https_compatible=True)
        self._begun = False
        self._ended = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive some bytes; once our end of file is sent, of what the client encrypted, for discarding.

        Raises `trio.BrokenResourceError`, also where the client does not speak TLS.
        """
        if self._ended:
            return bytes(await self._socket_stream.receive_some(max_bytes))
        if not self._begun:
            await self._check_first_byte()
            self._begun = True
        return bytes(await self._tls.receive_some(max_bytes))

    async def _check_first_byte(self) -> None:
        """Tell a client that speaks plain HTTP which scheme to write. Raises `trio.BrokenResourceError` then."""
        try:
            first = await self._socket_stream.socket.recv(1, socket.MSG_PEEK)
        except OSError as error:
            raise trio.BrokenResourceError from error
        if first in (b"", HANDSHAKE):
            return
        await self._socket_stream.receive_some(RECEIVE_BYTES)
        problem = Problem(
            status=HTTPStatus.BAD_REQUEST,
            code="tls_required",
            detail="This port speaks TLS: write https:// or wss:// in the address.",
        )
        await self._socket_stream.send_all(problem.response())
        raise trio.BrokenResourceError("the client does not speak TLS")

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of ``data``. Raises `trio.BrokenResourceError`, also where the client has not begun its handshake.

        It would be waited for otherwise, to be told no more than that there is no place for it.
        """
        if not self._begun:
            raise trio.BrokenResourceError("the client has not begun its handshake")
        await self._tls.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As `trio.abc.SendStream.wait_send_all_might_not_block`."""
        await self._tls.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """End the TLS connection, which has no half-closed state, wait for the client's end of it, and end TCP's half.

        A client that still sends sees TCP's end alone. What it has sent is read and discarded behind this.
        """
        self._ended = True
        with suppress(trio.BrokenResourceError):
            await self._tls.unwrap()
        await self._socket_stream.send_eof()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._tls.aclose()
