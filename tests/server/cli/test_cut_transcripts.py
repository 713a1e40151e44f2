"""What a run that was cut has left goes with the whole transcript, and nothing else ever goes."""

import io
import os
import shutil
from pathlib import Path

import pytest

from auricle.core.messages import Final
from auricle.server.cli.cut_transcripts import ATTRIBUTE, remove_superseded
from auricle.server.cli.jobs import Wanted, plan_jobs
from auricle.server.cli.transcript_writer import TranscriptWriter
from auricle.server.transcripts.format_names import Format
from auricle.server.transcripts.transcript import Transcript
from server.cli.test_commands import COUNTED, EXAMPLES, auricle

HELLO = EXAMPLES / "hello.flac"


@pytest.fixture(autouse=True)
def _attributes(tmp_path: Path) -> None:
    try:
        os.setxattr(tmp_path, ATTRIBUTE, b"")
    except OSError:
        pytest.skip("this file system has no extended attributes")


def cut(recording: Path | str, folder: Path, form: Format = Format.TEXT) -> Path:
    """Leave what a run leaves that is cut in the middle of ``recording``, and return where."""
    jobs = plan_jobs(Wanted(files=[str(recording)], form=form, output=f"{folder}/"))
    final = Final(seq=1, segment=0, text="one", start=0, end=1, confidence=0.9, audio=(0, 1), reason="endpoint")
    half = Transcript(file=str(recording), finals=(final,), duration_s=1.0, complete=True, interrupted=True)
    made = TranscriptWriter(jobs.plan, io.StringIO()).add(half, jobs.todo[0].place)
    assert made is not None
    return made


@pytest.mark.parametrize("form", Format)
def test_it_goes_once_the_whole_is_there(tmp_path: Path, form: Format) -> None:
    left = [cut(HELLO, tmp_path, form), cut(HELLO, tmp_path, form)]
    assert [path.name for path in left] == [f"hello.partial{form.suffix}", f"hello.partial-2{form.suffix}"]
    result = auricle("transcribe", HELLO, "-f", form.value, "-o", tmp_path, "--resume")
    assert result.exit_code == 0
    assert os.listdir(tmp_path) == [f"hello{form.suffix}"]
    assert "stays" not in result.stderr


@pytest.mark.parametrize("change", ["edited", "saved anew", "copied", "of another", "the user's", "of standard input"])
def test_what_anybody_else_may_have_made_stays_and_that_is_said(tmp_path: Path, change: str) -> None:
    left = tmp_path / "hello.partial.txt"
    match change:
        case "edited":
            cut(HELLO, tmp_path).write_text("one, as I think\n")
        case "saved anew":
            text = cut(HELLO, tmp_path).read_text()
            left.unlink()
            left.write_text(text)
        case "copied":
            shutil.copyfile(cut(HELLO, tmp_path / "other"), left)
        case "of another":
            (tmp_path / "calls").mkdir()
            cut(shutil.copy(HELLO, tmp_path / "calls" / "hello.flac"), tmp_path)
        case "of standard input":
            cut("-", tmp_path).rename(left)
        case _:
            left.write_text("my notes")
    kept = left.read_bytes()
    result = auricle("transcribe", HELLO, "-o", tmp_path / "hello.txt")
    assert left.read_bytes() == kept
    assert (tmp_path / "hello.txt").read_text().splitlines() == COUNTED
    assert (
        f"{left} stays: it may have been changed since a run was cut; delete it where {tmp_path}/hello.txt has all "
        "of it."
    ) in result.stderr


def test_a_recording_that_ends_too_early_takes_nothing_away(tmp_path: Path) -> None:
    short = tmp_path / "short.flac"
    short.write_bytes(HELLO.read_bytes()[:60_000])
    left = cut(short, tmp_path)
    assert auricle("transcribe", short, "-o", tmp_path / "short.txt").exit_code == 2
    assert (tmp_path / "short.txt").exists()
    assert left.exists()


def test_nothing_goes_before_the_whole_is_there(tmp_path: Path) -> None:
    left = cut(HELLO, tmp_path)
    assert remove_superseded(tmp_path / "hello.txt", str(HELLO)) == []
    assert remove_superseded(Path("/dev/null"), str(HELLO)) == []
    assert left.exists()
