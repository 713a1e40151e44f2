"""The day's audio of keys outlives a start, a kill, a full disk, and is counted together by servers of one file."""

import fcntl
import json
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.scripted.engine import ScriptedEngine
from auricle.server.app import ServerConfig, running_server
from auricle.server.keys import replaced_file, usage_keeper
from auricle.server.keys.access import Access, Grant
from auricle.server.keys.api_key import ApiKey, Keyring
from auricle.server.keys.day_audio import DayAudio
from auricle.server.keys.usage_file import UsageFile, UsageFileError
from auricle.server.keys.usage_keeper import KEPT_S, UsageKeeper
from auricle.transports.trio import ConnectFailed
from server.keys.keyed_server import hold
from server.keys.making import NOON, made_key

MINUTE = 60 * 16_000
TODAY = NOON.date()
PATIENCE_S = 60.0


def counted(samples: int, prefix: str = "ab", rate: int = 16_000) -> DayAudio:
    return DayAudio(day=TODAY, samples={prefix: {rate: samples}})


def access_at(key: ApiKey, day: int = 0) -> Access:
    return Access(Keyring((key,)), clock=lambda: NOON + timedelta(days=day))


async def kept(access: Access, file: UsageFile) -> None:
    """Have a keeper read what there is, and write what has been counted."""
    async with trio.open_nursery() as nursery:
        await nursery.start(UsageKeeper(access, file).run)
        nursery.cancel_scope.cancel()


# ---------------------------------------------------------------------------- the file


@contextmanager
def locked_by_somebody(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder as a program does that stands still."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def test_nobody_who_stands_still_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaced_file, "PATIENCE_S", 0.0)
    file = UsageFile(str(tmp_path / "usage.json"))
    with locked_by_somebody(tmp_path), pytest.raises(UsageFileError, match="another program keeps its folder locked"):
        file.add(counted(1))
    assert file.add(counted(2)) == counted(2)


def test_a_server_ends_though_its_file_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(replaced_file, "PATIENCE_S", 0.0)
    with locked_by_somebody(tmp_path):
        trio.run(kept, access_at(made_key()[0]), UsageFile(str(tmp_path / "usage.json")))
    (told,) = caplog.records
    assert "counted in memory alone" in told.getMessage()


def test_what_servers_add_is_added_up(tmp_path: Path) -> None:
    path = tmp_path / "usage.json"
    one, two = UsageFile(str(path)), UsageFile(str(path))
    assert one.add(counted(5)) == counted(5)
    assert two.add(counted(7)) == counted(12)
    assert one.add(DayAudio(day=TODAY, samples={})) == counted(12)
    assert two.add(counted(3, rate=8_000)).samples == {"ab": {16_000: 12, 8_000: 3}}
    assert one.add(counted(1, prefix="cd")).samples == {"ab": {16_000: 12, 8_000: 3}, "cd": {16_000: 1}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["usage.json"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([8_000, 48_000]), st.integers(0, 10**12))))
def test_no_sample_is_lost_in_the_file(tmp_path_factory: pytest.TempPathFactory, pieces: Iterable) -> None:  # type: ignore[type-arg]
    file = UsageFile(str(tmp_path_factory.mktemp("usage") / "usage.json"))
    sums: dict[tuple[str, int], int] = {}
    for prefix, rate, samples in pieces:
        total = file.add(counted(samples, prefix, rate))
        sums[prefix, rate] = sums.get((prefix, rate), 0) + samples
        assert {(p, r): n for p, rates in total.samples.items() for r, n in rates.items()} == sums


def test_what_is_added_at_the_same_time_is_all_kept(tmp_path: Path) -> None:
    file = UsageFile(str(tmp_path / "usage.json"))
    workers = [threading.Thread(target=lambda: [file.add(counted(1)) for _ in range(20)]) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert file.of(TODAY) == counted(160)


def test_another_day_begins_anew_and_a_clock_that_is_behind_changes_nothing(tmp_path: Path) -> None:
    file = UsageFile(str(tmp_path / "usage.json"))
    file.add(counted(5))
    tomorrow = DayAudio(day=TODAY + timedelta(days=1), samples={"ab": {16_000: 1}})
    assert file.add(tomorrow) == tomorrow
    assert file.add(counted(9)) == tomorrow
    assert file.add(DayAudio(day=tomorrow.day, samples={})) == tomorrow


def test_what_has_not_changed_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "usage.json"
    UsageFile(str(path)).add(counted(5))
    before = path.stat().st_ino
    UsageFile(str(path)).add(DayAudio(day=TODAY, samples={}))
    assert path.stat().st_ino == before


@pytest.mark.parametrize(
    "text",
    [
        "", "port = 5", "[]", "{}", '{"auricle_keys": 1, "keys": []}', "\xff", "{" * 50_000,
        '{"auricle_usage": 1, "day": "2026-11-30", "keys": {"ab": {"16000": "5"}}}',
        '{"auricle_usage": 1, "day": "today", "keys": {}}', '{"auricle_usage": 1, "day": "2026-11-30", "keys": []}',
    ],
)  # fmt: skip
def test_a_file_that_is_something_else_is_not_written_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(UsageFileError, match=r"notes.txt is no file of usage, and is left as it is: name another one"):
        UsageFile(str(path)).add(counted(5))
    assert path.read_text(encoding="latin-1") == text


def test_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "usage.json"
    path.write_text('{"auricle_usage": 2, "day": "2026-11-30", "keys": {}}')
    with pytest.raises(UsageFileError, match="is of version 2, and this program knows 1"):
        UsageFile(str(path)).add(counted(5))


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageFileError, match=r"^Cannot keep the audio of keys in .*: no such file or directory\.$"):
        UsageFile(str(tmp_path / "none" / "usage.json")).add(counted(5))


# ---------------------------------------------------------------------------- a server's counting


def test_a_new_start_goes_on_counting(tmp_path: Path) -> None:
    key, _ = made_key(audio_minutes_per_day=1)
    file = UsageFile(str(tmp_path / "usage.json"))

    async def scenario() -> None:
        before, after, next_day = access_at(key), access_at(key), access_at(key, day=1)
        before.add_audio(Grant(key), MINUTE - 16_000, 16_000)
        await kept(before, file)
        await kept(after, file)
        assert after.told_limits(Grant(key))["key_audio_left_s"] == 1.0
        assert after.add_audio(Grant(key), 8_000, 8_000) is not None
        await kept(next_day, file)
        assert next_day.told_limits(Grant(key))["key_audio_left_s"] == 60.0

    trio.run(scenario)


def test_servers_of_one_file_count_together(tmp_path: Path) -> None:
    key, _ = made_key(audio_minutes_per_day=1)
    file = UsageFile(str(tmp_path / "usage.json"))

    async def scenario() -> None:
        one, two = access_at(key), access_at(key)
        async with trio.open_nursery() as nursery:
            await nursery.start(UsageKeeper(one, file).run)
            await nursery.start(UsageKeeper(two, file).run)
            for _ in range(3):
                one.add_audio(Grant(key), 10 * 16_000, 16_000)
                two.add_audio(Grant(key), 9 * 16_000, 16_000)
            nursery.cancel_scope.cancel()
        await kept(one, file)
        await kept(two, file)
        for access in (one, two):
            assert access.told_limits(Grant(key))["key_audio_left_s"] == 60 - 57

    trio.run(scenario)


def test_it_is_kept_every_few_seconds_so_that_a_kill_forgets_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = made_key(audio_minutes_per_day=1)
    path = tmp_path / "usage.json"

    async def at_once(sync: object, *arguments: object) -> object:
        return sync(*arguments)  # type: ignore[operator]

    async def scenario() -> None:
        monkeypatch.setattr(usage_keeper.trio.to_thread, "run_sync", at_once)  # the clock would run on meanwhile
        access = access_at(key)
        async with trio.open_nursery() as nursery:
            await nursery.start(UsageKeeper(access, UsageFile(str(path))).run)
            access.add_audio(Grant(key), 16_000, 16_000)
            await trio.sleep(KEPT_S)
            await trio.testing.wait_all_tasks_blocked()
            assert json.loads(path.read_text())["keys"] == {key.prefix: {"16000": 16_000}}
            nursery.cancel_scope.cancel()

    trio.run(scenario, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_full_disk_forgets_nothing_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key, _ = made_key(audio_minutes_per_day=1)
    file = UsageFile(str(tmp_path / "usage.json"))
    access = access_at(key)
    keeper = UsageKeeper(access, file)

    async def scenario() -> None:
        access.add_audio(Grant(key), 16_000, 16_000)
        with monkeypatch.context() as full:
            full.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
            for _ in range(2):
                await keeper._keep()
        await keeper._keep()

    trio.run(scenario)
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("The day's audio of keys is counted in memory alone until it can be kept: Cannot keep")
    assert file.add(DayAudio(day=NOON.date(), samples={})).samples == {key.prefix: {16_000: 16_000}}


def test_a_server_that_is_started_anew_remembers(tmp_path: Path) -> None:
    key, text = made_key(audio_minutes_per_day=0.1)
    config = ServerConfig(port=0, keys=Keyring((key,)), usage_file=str(tmp_path / "usage.json"))

    async def scenario() -> None:
        async with running_server(config, ScriptedEngine()) as server:
            await server.engine_ready()
            assert (await hold(server.url, text, 4)).reason == "completed"
        async with running_server(config, ScriptedEngine()) as server:
            await server.engine_ready()
            assert (await hold(server.url, text, 4)).reason == "session_limit"
        async with running_server(config, ScriptedEngine()) as server:
            await server.engine_ready()
            with pytest.raises(ConnectFailed, match=r"has had its 0\.1 minutes of audio today"):
                await hold(server.url, text, 1)

    trio.run(scenario)
