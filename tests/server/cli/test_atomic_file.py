"""A file on disk is the old one or the new one, never half of either."""

import os
import stat
from pathlib import Path

import pytest

from auricle.server.cli.atomic_file import check_writable, write_atomically

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


def test_the_text_is_there_and_nothing_else_is(tmp_path: Path) -> None:
    write_atomically(tmp_path / "it.txt", "héllo\n")
    assert (tmp_path / "it.txt").read_bytes() == "héllo\n".encode()
    assert os.listdir(tmp_path) == ["it.txt"]


def test_a_new_file_has_the_usual_mode_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new.txt", "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o640
    (tmp_path / "new.txt").chmod(0o604)
    write_atomically(tmp_path / "new.txt", "b")
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o604


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace"])
def test_a_disk_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    (tmp_path / "it.txt").write_text("old")

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(call, broken)
    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path / "it.txt", "new")
    assert (tmp_path / "it.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["it.txt"]


def test_the_new_file_is_on_the_disk_before_it_takes_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda number: (calls.append("fsync"), fsync(number))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (calls.append("rename"), replace(self, to))[1])
    write_atomically(tmp_path / "it.txt", "new")
    assert calls == ["fsync", "rename", "fsync"], "the file, its name, its folder"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_atomically(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(tmp_path / "pipe", "hello")
        assert os.read(reader, 100) == b"hello"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_check_finds_what_would_fail_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "it.txt").write_text("old")
    check_writable(tmp_path / "it.txt")
    check_writable(tmp_path / "new.txt")
    assert (tmp_path / "it.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["it.txt"]
    with pytest.raises(IsADirectoryError):
        check_writable(tmp_path)
    with pytest.raises(FileNotFoundError):
        check_writable(tmp_path / "gone" / "it.txt")
    with pytest.raises(NotADirectoryError):
        check_writable(tmp_path / "it.txt" / "it.txt")


def test_a_full_disk_is_found_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        check_writable(tmp_path / "it.txt")
    assert os.listdir(tmp_path) == []


@needs_full
def test_the_device_that_is_always_full_is_known(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        check_writable(FULL)
    (tmp_path / "link.txt").symlink_to(FULL)
    with pytest.raises(OSError, match="No space"):
        check_writable(tmp_path / "link.txt")
    check_writable(Path("/dev/null"))
