"""`auricle keys` from a shell, where a server may listen, and SIGHUP."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from typer.testing import CliRunner, Result

from auricle.server.cli.exposure import check_exposure, is_private
from auricle.server.cli.main import app
from auricle.server.cli.option_errors import OptionError
from auricle.server.keys.access import utc_now
from auricle.server.keys.api_key import Keyring
from auricle.server.keys.day_audio import DayAudio
from auricle.server.keys.key_file import read_keys
from auricle.server.keys.scopes import Scope
from auricle.server.keys.usage_file import UsageFile
from auricle.server.server_config import ServerConfig
from auricle.transports.trio import ConnectFailed, connect
from server.cli.test_serve import FAR_S, serving
from server.keys.making import made_key
from server.uploads.upload_server import recording, upload_server


def auricle(*arguments: str | Path) -> Result:
    return CliRunner(env={"AURICLE_KEYS_FILE": None}).invoke(app, [str(each) for each in arguments])


def test_a_key_is_made_listed_and_revoked(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    made = auricle(
        "keys", "add", "alice", "--keys-file", file, "--sessions", "3", "--requests-per-minute", "60",
        "--audio-minutes-per-day", "90.5", "--expires", "90d", "--scope", "transcribe", "--scope", "operator",
    )  # fmt: skip
    assert made.exit_code == 0, made.stderr
    assert "shown this once" in made.stderr
    (key,) = read_keys(str(file))
    assert Keyring((key,)).find(made.stdout.strip()) == key
    assert (key.sessions, key.requests_per_minute, key.audio_minutes_per_day) == (3, 60, 90.5)
    assert key.scopes == frozenset(Scope)
    assert key.expires is not None
    assert (key.expires - key.created).days == 90
    listed = auricle("keys", "list", "--keys-file", file).stdout
    assert [cell in listed for cell in ("alice", f"ak_{key.prefix}.…", "operator,transcribe", "90.5")] == [True] * 4
    (document,) = json.loads(auricle("keys", "list", "--json", "--keys-file", file).stdout)
    assert (document["name"], document["expired"]) == ("alice", False)
    assert key.digest not in listed + json.dumps(document)
    assert auricle("keys", "revoke", "alice", "--keys-file", file).exit_code == 0
    assert read_keys(str(file)) == ()


def test_what_a_key_has_had_today_is_listed(tmp_path: Path) -> None:
    file, usage = tmp_path / "keys.json", tmp_path / "usage.json"
    for name in ("alice", "bob"):
        auricle("keys", "add", name, "--keys-file", file)
    alice = read_keys(str(file))[0].prefix
    assert auricle("keys", "list", "--keys-file", file).stdout.splitlines()[1].endswith(" -")
    UsageFile(str(usage)).add(DayAudio(day=utc_now().date(), samples={alice: {16_000: 90 * 16_000}}))
    listed = auricle("keys", "list", "--keys-file", file, "--usage-file", usage).stdout.splitlines()
    assert [line.split()[-1] for line in listed] == ["TODAY", "1.5", "0.0"]
    as_json = json.loads(auricle("keys", "list", "--json", "--keys-file", file, "--usage-file", usage).stdout)
    assert [key["audio_minutes_today"] for key in as_json] == [1.5, 0.0]
    usage.write_text("something else")
    refused = auricle("keys", "list", "--keys-file", file, "--usage-file", usage)
    assert refused.exit_code == 2
    assert "is no file of usage" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add", "alice"], "There is a key alice already: revoke it, or choose another name."),
        (["add", "no spaces"], "A name of a key has letters, digits and . _ @ -"),
        (["add", "bob", "--expires", "tomorrow"], "--expires takes a date, as in 2027-12-31, or a time from now"),
        (["add", "bob", "--expires", "2020-01-01"], "--expires 2020-01-01 is over already."),
        (["add", "bob", "--sessions", "0"], "--sessions takes a whole number from 1 to 1000000, and not '0'."),
        (
            ["add", "bob", "--scope", "operater"],
            "--scope takes transcribe or operator, and not 'operater': did you mean",
        ),
        (["revoke", "bob"], "There is no key bob in "),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    file = tmp_path / "keys.json"
    auricle("keys", "add", "alice", "--keys-file", file)
    before = file.read_bytes()
    result = auricle("keys", *arguments, "--keys-file", file)
    assert result.exit_code == 2
    assert sentence in result.stderr.splitlines()[-1]
    assert file.read_bytes() == before


def test_the_file_has_to_be_named_and_revoking_makes_none(tmp_path: Path) -> None:
    assert auricle("keys", "list").stderr == "Name the file of keys: --keys-file FILE, or AURICLE_KEYS_FILE.\n"
    assert "There is no file of keys" in auricle("keys", "revoke", "a", "--keys-file", tmp_path / "none.json").stderr
    settings = tmp_path / "auricle.toml"
    settings.write_text(f"keys_file = '{tmp_path}/keys.json'\n")
    assert auricle("keys", "add", "alice", "--config", settings).exit_code == 0
    assert (tmp_path / "keys.json").exists()


# ---------------------------------------------------------------------------- where a server may listen


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (ServerConfig(host="127.0.0.1"), None),
        (ServerConfig(host="::1"), None),
        (ServerConfig(host="localhost", wyoming_port=0), None),
        (ServerConfig(host="0.0.0.0"), "make a key with `auricle keys add NAME --keys-file FILE`"),
        (ServerConfig(host="192.168.1.5"), "or say --insecure"),
        (ServerConfig(host="0.0.0.0", keys=Keyring(())), None),
        (ServerConfig(host="0.0.0.0", keys=Keyring(()), wyoming_port=10300), "Wyoming has no keys"),
        (ServerConfig(host="0.0.0.0", keys=Keyring(()), wyoming_host="192.168.1.5", wyoming_port=10300), None),
        (ServerConfig(host="192.168.1.5", keys=Keyring(()), wyoming_port=10300), None),
        (ServerConfig(host="203.0.113.7", keys=Keyring(()), wyoming_port=10300), None),  # a documentation network
        (ServerConfig(host="8.8.8.8", keys=Keyring(()), wyoming_port=10300), "give --wyoming-host"),
    ],
)
def test_beyond_the_loopback_there_are_keys_or_somebody_insists(config: ServerConfig, sentence: str | None) -> None:
    if sentence is None:
        check_exposure(config)
        return
    with pytest.raises(OptionError, match=sentence):
        check_exposure(config)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "example.org", "8.8.8.8"])
def test_what_is_not_private(host: str) -> None:
    assert not is_private(host)


def test_serve_refuses_with_one_sentence() -> None:
    with serving("--host", "0.0.0.0") as process:
        _, complaints = process.communicate(timeout=FAR_S)
    assert (process.returncode, complaints.count("\n")) == (2, 1)
    assert "or say --insecure." in complaints


# ---------------------------------------------------------------------------- commands that are clients


def test_commands_of_ours_give_their_key(tmp_path: Path) -> None:
    key, text = made_key()
    file = tmp_path / "numbers.wav"
    file.write_bytes(recording(2.0))
    with upload_server(keys=Keyring((key,))) as server:
        command = ("transcribe", file, "--url", f"ws://127.0.0.1:{server.port}")
        assert auricle(*command, "--api-key", text).stdout == "one two three four five\n"
        refused = auricle(*command, "--api-key", "wrong")
        assert refused.exit_code == 1
        assert "it wants a valid API key: give api_key" in " ".join(refused.stderr.split())


# ---------------------------------------------------------------------------- SIGHUP


@contextmanager
def serving_with(folder: Path, settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`auricle serve` with these settings; yields the process and its address."""
    (folder / "auricle.toml").write_text(f"keys_file = '{folder}/keys.json'\n{settings}")
    arguments = ("--config", str(folder / "auricle.toml"), "--engine-isolation", "thread", "--log-format", "json")
    with serving(*arguments, environment={**os.environ, "AURICLE_MAX_SESSIONS": ""}) as process:
        assert process.stdout is not None
        yield process, next(word for word in process.stdout.readline().split() if word.startswith("ws://"))


def reload(process: subprocess.Popen[str]) -> dict[str, object]:
    """Send SIGHUP, and return what the log says of it."""
    assert process.stderr is not None
    process.send_signal(signal.SIGHUP)
    while True:
        record: dict[str, object] = json.loads(process.stderr.readline())
        if str(record["message"]).startswith("SIGHUP: read") or "nothing is changed" in str(record["message"]):
            return record


def test_sighup_reads_settings_and_keys_again_and_cuts_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    alice, bob = (auricle("keys", "add", name, "--keys-file", file).stdout.strip() for name in ("alice", "bob"))
    with serving_with(tmp_path, "max_sessions = 2\n") as (process, url):

        async def scenario() -> None:
            with trio.fail_after(FAR_S):
                async with connect(url, api_key=alice) as hers, connect(url, api_key=bob) as his:
                    with pytest.raises(ConnectFailed, match="2 sessions already"):
                        async with connect(url, api_key=alice):
                            pass
                    await trio.to_thread.run_sync(auricle, "keys", "revoke", "bob", "--keys-file", file)
                    (tmp_path / "auricle.toml").write_text(f"keys_file = '{file}'\nmax_sessions = 9\nport = 1\n")
                    read = await trio.to_thread.run_sync(reload, process)
                    assert (read["changed"], read["keys_count"]) == ("max_sessions", 1)
                    assert "has been revoked" in [event async for event in his][-1].message  # type: ignore[union-attr]
                    with pytest.raises(ConnectFailed, match="valid API key"):
                        async with connect(url, api_key=bob):
                            pass
                    file.write_text("no keys")
                    broken = await trio.to_thread.run_sync(reload, process)
                    assert broken["level"] == "error"
                    assert "is no file of keys" in str(broken["message"])
                    async with connect(url, api_key=alice) as another:
                        await another.send_audio(bytes(32_000))
                        await another.end_input()
                        assert [event async for event in another][-1].complete  # type: ignore[union-attr]
                    await hers.send_audio(bytes(32_000))
                    await hers.end_input()
                    assert [event async for event in hers][-1].complete, "hers has not been touched"  # type: ignore[union-attr]

        trio.run(scenario)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=FAR_S)
        assert process.returncode == 0


# ---------------------------------------------------------------------------- what is kept


def test_a_day_that_cannot_be_kept_is_told_before_anything_begins(tmp_path: Path) -> None:
    file, usage = tmp_path / "keys.json", tmp_path / "notes.txt"
    auricle("keys", "add", "alice", "--keys-file", file)
    usage.write_text("something else")
    with serving("--keys-file", str(file), "--usage-file", str(usage)) as process:
        _, complaints = process.communicate(timeout=FAR_S)
    assert process.returncode == 2
    assert complaints == f"{usage} is no file of usage, and is left as it is: name another one.\n"
    assert usage.read_text() == "something else"


@pytest.mark.parametrize("kept", [True, False])
def test_minutes_that_a_new_start_forgets_are_told_at_the_start(tmp_path: Path, kept: bool) -> None:
    file, usage = tmp_path / "keys.json", tmp_path / "usage.json"
    auricle("keys", "add", "alice", "--keys-file", file, "--audio-minutes-per-day", "5")
    arguments = ("--keys-file", str(file), *(("--usage-file", str(usage)) if kept else ()))
    with serving(*arguments, "--log-format", "json") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=FAR_S)
    told = [json.loads(line)["message"] for line in complaints.splitlines()]
    assert any(each.startswith("Minutes of audio are counted in memory") for each in told) is not kept
    assert usage.exists() is kept
