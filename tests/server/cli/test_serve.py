"""`auricle serve` from a shell: the address it prints, and every way of ending it."""

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from auricle.server.cli.early_signals import good_end_on_signals
from auricle.transports.trio import ConnectFailed, connect
from server.clients import BACKENDS, talk

COMMAND = [sys.executable, "-c", "from auricle.server.cli.entry import main; main()", "serve", "--port", "0"]
FAR_S = 60.0
SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@contextmanager
def serving(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, "--engine", "scripted", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@SIGNALS
def test_a_signal_while_the_model_loads_is_a_good_end(tmp_path: Path, number: signal.Signals) -> None:
    model = tmp_path / "model.json"
    os.mkfifo(model)
    with serving("--model", str(model), "--engine-isolation", "thread") as process, model.open("w"):
        # The pipe opens when the engine reads it, and gives it nothing.
        process.send_signal(number)
        _, complaints = process.communicate(timeout=FAR_S)
    assert process.returncode == 0
    assert "Traceback" not in complaints


@SIGNALS
def test_a_signal_drains(number: signal.Signals) -> None:
    with serving() as process:
        assert process.stdout is not None
        announced = process.stdout.readline()
        assert "scripted counting answers; the page is http://127.0.0.1:" in announced
        process.send_signal(number)
        _, complaints = process.communicate(timeout=FAR_S)
    assert process.returncode == 0
    logged = [json.loads(line)["message"] for line in complaints.splitlines()]
    known = [message for message in logged if message == "serving" or message.startswith("SIG")]
    assert known == ["serving", f"{number.name}: draining"]


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "ws://127.0.0.1:"), ("127.0.0.1", "ws://127.0.0.1:")])
def test_the_address_that_is_printed_can_be_opened(host: str, shown: str) -> None:
    async def open_and_close(url: str) -> None:
        with trio.fail_after(FAR_S):
            async with connect(url):
                pass

    with serving("--host", host, "--insecure") as process:
        assert process.stdout is not None
        url = next(word for word in process.stdout.readline().split() if word.startswith("ws://"))
        assert url.startswith(shown)
        trio.run(open_and_close, url)


@SIGNALS
def test_a_signal_while_modules_are_imported_is_a_good_end_too(number: signal.Signals) -> None:
    program = f"""if True:
        import os
        from auricle.server.cli import main

        class Importing:
            def __getattr__(self, name):
                os.kill(os.getpid(), {int(number)})

        main.serve_command = Importing()
        main.app(["serve"])
    """
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_signals_mean_what_they_meant_once_the_imports_are_done() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with good_end_on_signals():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_certificate_of_our_own_making_is_made_once_and_serves_both_clients(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    made = []
    for _ in range(2):
        with serving("--tls-self-signed", environment=environment) as process:
            assert process.stdout is not None
            announced = process.stdout.readline()
            url = next(word for word in announced.split() if word.startswith("wss://"))
            assert "the page is https://127.0.0.1:" in announced
            (authority,) = tmp_path.glob("auricle/tls/*/ca.pem")
            made.append(authority.read_bytes())
            trusting = ssl.create_default_context(cafile=str(authority))
            for backend in BACKENDS:
                assert talk(backend, url, chunks=[bytes(32_000)], ssl_context=trusting).closed.complete
            with pytest.raises(ConnectFailed, match="its certificate is not trusted"):
                talk("trio", url, chunks=[])
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--tls-key", "KEY"], "--tls-key is of no use without its certificate: give --tls-cert too."),
        (["--tls-cert", "CERT", "--tls-self-signed"], "--tls-self-signed makes a certificate, and --tls-cert"),
        (["--tls-cert", "no-such-file.pem"], "Cannot read the certificate no-such-file.pem: no such file"),
    ],
)
def test_tls_options_that_cannot_be_used_are_one_sentence(options: list[str], sentence: str) -> None:
    with serving(*options) as process:
        _, complaints = process.communicate(timeout=FAR_S)
    assert (process.returncode, complaints.count("\n")) == (2, 1)
    assert complaints.startswith(sentence)
