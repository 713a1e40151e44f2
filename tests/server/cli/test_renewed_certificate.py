"""A certificate that is renewed while a server runs is shown from the next SIGHUP on, and no session is cut for it."""

import signal
import ssl
import subprocess
from pathlib import Path

import trio
import trustme

from auricle.core import Start
from auricle.transports.trio import connect
from server.cli.test_keys import FAR_S, reload
from server.cli.test_serve import serving

AUTHORITY = trustme.CA()


def issue(folder: Path) -> bytes:
    """Put another certificate into a folder, and return it as a client sees it."""
    made = AUTHORITY.issue_cert("127.0.0.1")
    made.cert_chain_pems[0].write_to_path(str(folder / "chain.pem"))
    made.private_key_pem.write_to_path(str(folder / "key.pem"))
    return ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode())


def trusting() -> ssl.SSLContext:
    made = ssl.create_default_context()
    AUTHORITY.configure_trust(made)
    return made


async def shown(url: str) -> bytes | None:
    """Return the certificate that a new connection gets."""
    port = int(url.partition("127.0.0.1:")[2].partition("/")[0])
    raw = await trio.open_tcp_stream("127.0.0.1", port)
    async with trio.SSLStream(raw, trusting(), server_hostname="127.0.0.1", https_compatible=True) as stream:
        await stream.do_handshake()
        return stream.getpeercert(binary_form=True)  # type: ignore[no-any-return]


async def scenario(process: "subprocess.Popen[str]", url: str, folder: Path, first: bytes) -> None:
    with trio.fail_after(FAR_S):
        assert await shown(url) == first
        async with connect(url, Start(), ssl_context=trusting()) as session:
            await session.send_audio(bytes(32_000))
            renewed = issue(folder)
            assert (await trio.to_thread.run_sync(reload, process))["message"] == "SIGHUP: read again"
            assert await shown(url) == renewed
            (folder / "key.pem").write_text("half a key")
            broken = await trio.to_thread.run_sync(reload, process)
            assert broken["level"] == "error"
            assert "holds no private key" in str(broken["message"])
            assert await shown(url) == renewed
            await session.send_audio(bytes(32_000))
            await session.end_input()
            assert [event async for event in session][-1].complete  # type: ignore[union-attr]


def test_it_is_shown_to_those_who_come_and_costs_no_session(tmp_path: Path) -> None:
    first = issue(tmp_path)
    files = ("--tls-cert", str(tmp_path / "chain.pem"), "--tls-key", str(tmp_path / "key.pem"))
    with serving(*files, "--engine-isolation", "thread", "--log-format", "json") as process:
        assert process.stdout is not None
        url = next(word for word in process.stdout.readline().split() if word.startswith("wss://"))
        trio.run(scenario, process, url, tmp_path, first)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=FAR_S)
        assert process.returncode == 0
