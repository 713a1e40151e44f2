"""TLS on the one port: real certificates on real sockets, and a sentence for each that cannot be used."""

import ssl
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trio.testing
import trustme
from cryptography.hazmat.primitives import serialization
from trio.testing import trio_test
from trio_websocket import open_websocket_url

from auricle.core import Limits
from auricle.server.http.http_limits import HttpLimits
from auricle.server.http.listener import RESERVED_CONNECTIONS
from auricle.server.http.tls import CertificateError, server_context
from server.http.listener_harness import FAR_S, UPGRADE_HEADERS, ask, listening, parsed, read_all, request

AUTHORITY = trustme.CA()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a chain, its key, both together, the key of another, and the key encrypted."""
    folder = tmp_path_factory.mktemp("tls")
    mine = AUTHORITY.issue_cert("localhost", "127.0.0.1")
    mine.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    mine.private_key_pem.write_to_path(str(folder / "key.pem"))
    mine.private_key_and_cert_chain_pem.write_to_path(str(folder / "both.pem"))
    AUTHORITY.issue_cert("localhost").private_key_pem.write_to_path(str(folder / "other.pem"))
    key = serialization.load_pem_private_key(mine.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"a passphrase"),
    )
    (folder / "encrypted.pem").write_bytes(encrypted)
    (folder / "damaged.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (folder / "empty.pem").write_text("")
    return folder


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    return server_context(certificate / "cert.pem", certificate / "key.pem")


@pytest.fixture
def trusting() -> ssl.SSLContext:
    trusted = ssl.create_default_context()
    AUTHORITY.configure_trust(trusted)
    return trusted


@pytest.mark.parametrize(
    ("cert", "key", "sentence"),
    [
        ("none.pem", "key.pem", "Cannot read the certificate {}/none.pem: no such file or directory; check the path."),
        ("cert.pem", "none.pem", "Cannot read the key {}/none.pem: no such file or directory; check the path."),
        ("cert.pem", ".", "Cannot read the key {}/.: is a directory; check the path."),
        ("empty.pem", "key.pem", "{}/empty.pem holds no certificate: give the chain in PEM, as it was issued."),
        ("cert.pem", "cert.pem", "{}/cert.pem holds no private key: give the key in PEM."),
        ("cert.pem", None, "{}/cert.pem holds no private key: give its file as --tls-key."),
        ("cert.pem", "other.pem", "The key in {0}/other.pem does not belong to the certificate in {0}/cert.pem: "),
        ("cert.pem", "encrypted.pem", "The key in {}/encrypted.pem is encrypted, and a server cannot ask for its"),
        ("damaged.pem", "key.pem", "The certificate in {0}/damaged.pem, or the key in {0}/key.pem, is damaged: "),
    ],
)
def test_what_cannot_be_used_is_one_clear_sentence(
    certificate: Path, cert: str, key: str | None, sentence: str
) -> None:
    with pytest.raises(CertificateError) as refused:
        server_context(f"{certificate}/{cert}", None if key is None else f"{certificate}/{key}")
    assert str(refused.value).startswith(sentence.format(certificate))
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_one_file_may_hold_both(certificate: Path) -> None:
    server_context(certificate / "both.pem")


@trio_test
async def test_requests_and_websockets_go_through_it(context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with trio.fail_after(FAR_S):
        async with listening(tls=context) as server:
            raw = await trio.open_tcp_stream("127.0.0.1", server.port)
            async with trio.SSLStream(raw, trusting, server_hostname="127.0.0.1", https_compatible=True) as client:
                await client.send_all(request("GET /healthz HTTP/1.1", {"Host": "a", "Connection": "close"}))
                assert parsed(await read_all(client))[0] == 200
            url = f"wss://localhost:{server.port}/ws/transcribe"
            async with open_websocket_url(url, ssl_context=trusting) as websocket:
                await websocket.send_message("hello")
                assert await websocket.get_message() == "hello"
            assert (server.counts.failed, server.counts.lost) == (0, 0)


@trio_test
async def test_a_client_that_still_sends_reads_the_whole_refusal(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with trio.fail_after(FAR_S):
        async with listening(tls=context) as server:
            raw = await trio.open_tcp_stream("127.0.0.1", server.port)
            client = trio.SSLStream(raw, trusting, server_hostname="127.0.0.1", https_compatible=True)
            await client.send_all(b"nonsense\r\n\r\n" + bytes(200_000))
            assert parsed(await read_all(client))[0] == 400
            await trio.aclose_forcefully(client)


@trio_test
async def test_plain_http_is_told_that_there_is_tls(context: ssl.SSLContext) -> None:
    with trio.fail_after(FAR_S):
        async with listening(tls=context) as server:
            for asked in (request(), request("GET /ws/transcribe HTTP/1.1", UPGRADE_HEADERS)):
                status, _, body = parsed(await ask(server, asked))
                assert (status, b"https:// or wss://" in body) == (400, True)
            assert server.counts.failed == 0


@trio_test
async def test_a_handshake_that_does_not_end_is_ended(context: ssl.SSLContext) -> None:
    with trio.fail_after(FAR_S):
        async with listening(tls=context, http=HttpLimits(head_timeout_s=0.05)) as server:
            assert await dribbled(server.port, b"\x16") == b""
            assert await dribbled(server.port, b"") == b""
            assert server.counts.failed == 0


async def dribbled(port: int, sent: bytes) -> bytes:
    client = await trio.open_tcp_stream("127.0.0.1", port)
    async with client:
        if sent:
            await client.send_all(sent)
        try:
            return await read_all(client)
        except trio.BrokenResourceError:
            return b""


@trio_test
async def test_who_has_not_begun_tls_is_not_waited_for_to_be_refused(context: ssl.SSLContext) -> None:
    limits = Limits(write_stall_s=100 * FAR_S)  # in which a handshake would be waited for
    async with listening(tls=context, limits=limits, http=HttpLimits(max_connections=0)) as server:
        with trio.fail_after(FAR_S):
            silent = []
            for count in range(1, RESERVED_CONNECTIONS + 2):
                silent.append(await trio.open_tcp_stream("127.0.0.1", server.port))
                while server.counts.accepted < count:
                    await trio.testing.wait_all_tasks_blocked(0.001)
            for stream in silent:  # the first has lost its place to the last, the others say nothing in time
                with suppress(trio.BrokenResourceError):
                    assert await read_all(stream) == b""
