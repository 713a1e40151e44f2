"""Where transcripts go, and what is found out about that before the work."""

import io
import os
import re
from pathlib import Path
from typing import Any

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from auricle.core.messages import Final
from auricle.server.cli.cut_transcripts import partial_place
from auricle.server.cli.jobs import Jobs, Wanted, plan_jobs, unreadable
from auricle.server.cli.output_checks import check_places
from auricle.server.cli.output_plan import OutputError, plan_output
from auricle.server.cli.transcript_writer import TranscriptWriter
from auricle.server.transcripts.formats import Format
from auricle.server.transcripts.transcript import Transcript
from server.recordings.recording_helpers import tone


def transcript(text: str, file: str = "a.wav", **more: Any) -> Transcript:
    final = Final(seq=1, segment=0, text=text, start=0, end=1, confidence=0.9, audio=(0, 1), reason="endpoint")
    return Transcript(file=file, finals=(final,), duration_s=1.5, **{"complete": True, **more})


def recording(path: Path) -> Path:
    soundfile.write(path, tone(0.1), 16_000, format="WAV")
    return path


def planned(files: list[str], output: Path | str | None, form: Format = Format.TEXT, **more: Any) -> Jobs:
    return plan_jobs(Wanted(files=files, form=form, output=None if output is None else str(output), **more))


def write(files: list[str], output: str | None, form: Format, *transcripts: Transcript) -> str:
    """Write the transcripts as a run does, and return what is on standard output."""
    stdout = io.StringIO()
    jobs = planned(files, output, form, overwrite=True)
    writer = TranscriptWriter(jobs.plan, stdout)
    for job, each in zip(jobs.todo, transcripts, strict=True):
        writer.add(each, job.place)
    writer.finish()
    return stdout.getvalue()


# ------------------------------------------------------------------------------------------------ where they go


def test_standard_output_a_file_and_a_directory(tmp_path: Path) -> None:
    one, two = transcript("one", "x/a.wav"), transcript("two", "-")
    assert write(["x/a.wav"], None, Format.TEXT, one) == "one\n"
    assert write(["x/a.wav"], "-", Format.TEXT, one) == "one\n"
    assert write(["x/a.wav", "-"], str(tmp_path / "both.txt"), Format.TEXT, one, two) == ""
    assert (tmp_path / "both.txt").read_text() == "# x/a.wav\none\n# -\ntwo\n"
    write(["x/a.wav", "-"], str(tmp_path), Format.SRT, one, two)
    assert "one" in (tmp_path / "a.srt").read_text()
    assert "two" in (tmp_path / "stdin.srt").read_text()
    write(["x/a.wav"], f"{tmp_path}/new/", Format.VTT, one)
    assert (tmp_path / "new" / "a.vtt").read_text().startswith("WEBVTT")


def test_a_document_of_several_is_one_however_many_could_be_read(tmp_path: Path) -> None:
    stdout = io.StringIO()
    writer = TranscriptWriter(planned(["a.wav", "b.wav"], None, Format.JSON).plan, stdout)
    writer.add(transcript("one"), None)
    writer.finish()
    assert stdout.getvalue().startswith("[")


def test_a_template_names_the_files(tmp_path: Path) -> None:
    files = ["calls/mon/a.wav", "calls/tue/a.wav"]
    plan = plan_output(files, Format.SRT, f"{tmp_path}/out/", "{folder}/{number}-{name}.{format}")
    assert [str(path.relative_to(tmp_path)) for path in plan.each] == [
        "out/mon/1-a.wav.srt", "out/tue/2-a.wav.srt",
    ]  # fmt: skip
    beside = plan_output(files, Format.TEXT, None, "{folder}/{stem}.{format}")
    assert [str(path) for path in beside.each] == ["calls/mon/a.txt", "calls/tue/a.txt"]


@pytest.mark.parametrize(
    ("given", "found", "made"),
    [
        (["calls/mon/a.wav", "calls/tue/a.wav"], None, ["mon/a.txt", "tue/a.txt"]),
        (["calls/mon/a.wav"], None, ["a.txt"]),
        (["calls/a.wav", "-", "calls/mon/a.wav"], None, ["a.txt", "stdin.txt", "mon/a.txt"]),
        (["../elsewhere/a.wav", "calls/mon/a.wav"], None, ["elsewhere/a.txt", "here/calls/mon/a.txt"]),
        (["calls"], ["calls/mon/a.wav"], ["mon/a.txt"]),
        (["calls/mon", "calls/tue"], ["calls/mon/a.wav", "calls/tue/a.wav"], ["mon/a.txt", "tue/a.txt"]),
        (["."], ["a.wav", "calls/mon/a.wav"], ["a.txt", "calls/mon/a.txt"]),
    ],
)
@pytest.mark.parametrize("absolute", [False, True])
def test_in_a_directory_folders_begin_below_what_was_given(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: list[str],
    found: list[str] | None,
    made: list[str],
    absolute: bool,
) -> None:
    here = tmp_path / "here"
    for folder in ("mon", "tue"):
        (here / "calls" / folder).mkdir(parents=True)
    monkeypatch.chdir(here)

    def named(files: list[str]) -> list[str]:
        return [file if file == "-" or not absolute else str(here / file) for file in files]

    plan = plan_output(named(found or given), Format.TEXT, "out/", "{folder}/{stem}.{format}", given=named(given))
    assert [str(path) for path in plan.each] == [f"out/{name}" for name in made]


names = st.text(st.sampled_from("ab./{}"), min_size=1, max_size=12)


@given(st.lists(names, min_size=1, max_size=4), st.sampled_from(["{folder}/{name}", "../{stem}", "/{folder}/{stem}"]))
def test_no_template_leads_out_of_the_directory_and_no_two_files_are_one(files: list[str], template: str) -> None:
    try:
        plan = plan_output(files, Format.TEXT, "/some/where/", template)
    except OutputError:
        return
    assert all(path.is_relative_to("/some/where") and os.pardir not in path.parts for path in plan.each)
    assert len(set(plan.each)) == len(files)


@pytest.mark.parametrize(
    ("files", "form", "output", "template", "sentence"),
    [
        (
            ["a.wav", "b.wav"],
            Format.SRT,
            None,
            None,
            r"One srt file cannot hold 2 recordings: give `--output DIRECTORY",
        ),
        (["a.wav", "b.wav"], Format.VTT, "it.vtt", None, "cannot hold 2 recordings"),
        (["a.wav", "x/a.flac"], Format.TEXT, "o/", None, r"a\.wav and x/a\.flac would both .*`--output-template '"),
        (["a.wav", "a.wav"], Format.TEXT, "o/", None, r"a\.wav and a\.wav would both"),
        (["a.wav"], Format.TEXT, "o/", "{what}.txt", r"does not know \{what\}: it fills in \{folder\}, \{name\}"),
        (["a.wav"], Format.TEXT, "o/", "{stem", "a single brace"),
        (["a.wav"], Format.TEXT, "o/", "{folder}/", "must name a file"),
        (["a.wav"], Format.TEXT, "o.txt", "{stem}", "o.txt must be the directory"),
    ],
)
def test_a_plan_that_cannot_work_is_refused(
    files: list[str], form: Format, output: str | None, template: str | None, sentence: str
) -> None:
    with pytest.raises(OutputError, match=sentence):
        plan_output(files, form, output, template)


@pytest.mark.parametrize(
    ("files", "template"),
    [
        (["x/a.wav", "y/a.wav"], "{folder}/{stem}.{format}"),
        (["x/a.wav", "x/a.mp3"], "{folder}/{name}.{format}"),
        (["x/a.wav", "x/a.wav", "y/a.wav"], "{number}-{name}.{format}"),
    ],
)
def test_the_names_that_are_proposed_are_different(files: list[str], template: str) -> None:
    with pytest.raises(OutputError, match=re.escape(f"`--output-template '{template}'`")):
        plan_output(files, Format.TEXT, "o/")
    assert len(set(plan_output(files, Format.TEXT, "o/", template).each)) == len(files)


def test_a_terminal_is_refused_before_the_work_and_a_pipe_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Wanted(files=["-"], form=Format.TEXT)
    reader, writer = os.openpty()
    with open(writer) as terminal, open(reader):
        monkeypatch.setattr("sys.stdin", terminal)
        assert [str(error) for _, error in unreadable(plan_jobs(wanted).todo, wanted)] == [
            "Cannot read standard input: it is a terminal, not audio; pipe a recording into it, as in `… < FILE`."
        ]
    monkeypatch.setattr("sys.stdin", None)
    assert [str(error) for _, error in unreadable(plan_jobs(wanted).todo, wanted)] == [
        "Cannot read standard input: it is closed; redirect a recording into it, as in `… < FILE`."
    ]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"not read")))
    assert not list(unreadable(plan_jobs(wanted).todo, wanted))


# ------------------------------------------------------------------------------------------------ what is kept


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_input_is_never_written_to_by_whatever_name(tmp_path: Path, overwrite: bool) -> None:
    first, second = recording(tmp_path / "a.wav"), recording(tmp_path / "b.wav")
    (tmp_path / "link.txt").symlink_to(second)
    os.link(second, tmp_path / "hard.txt")
    for output in (first, second, tmp_path / "x" / ".." / "b.wav", tmp_path / "link.txt", tmp_path / "hard.txt"):
        with pytest.raises(OutputError, match=r"is a recording that is to be transcribed"):
            planned([str(first), str(second)], output, overwrite=overwrite)
    with pytest.raises(OutputError, match="is a recording that is to be transcribed"):
        planned([str(first)], None, template="{folder}/{name}", overwrite=overwrite)


def test_another_recording_is_not_written_over_either(tmp_path: Path) -> None:
    first, second = recording(tmp_path / "a.wav"), recording(tmp_path / "b.wav")
    with pytest.raises(OutputError, match=r"b\.wav is a recording, which a transcript would replace"):
        planned([str(first)], second, overwrite=True)


def test_what_is_there_is_kept_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("old")
    files = ["a.wav", "b.wav", "c.wav"]
    with pytest.raises(
        OutputError, match=r"a\.txt is there already \(and 1 more of them\): give --overwrite .* --resume"
    ):
        planned(files, tmp_path)
    questions: list[str] = []

    def answering(answer: bool) -> Any:
        return lambda question: (questions.append(question), answer)[1]

    with pytest.raises(OutputError, match="is there already"):
        planned(files, tmp_path, confirm=answering(False))
    assert len(planned(files, tmp_path, confirm=answering(True)).todo) == 3
    assert questions == [f"Replace {tmp_path}/a.txt and 1 more?"] * 2
    assert len(planned(files, tmp_path, overwrite=True).todo) == 3
    planned(files, tmp_path / "new.txt", confirm=lambda _: pytest.fail("nothing to ask"))


def test_times_of_words_where_they_have_a_place(tmp_path: Path) -> None:
    for form in (Format.TEXT, Format.SRT):
        with pytest.raises(OutputError, match="--words has no place in"):
            planned(["a.wav"], None, form, times_words=True)
    assert planned(["a.wav"], None, Format.VTT, times_words=True).plan.times_words
    assert planned(["a.wav"], None, Format.JSON, times_words=True)


def test_resume_skips_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("old")
    (tmp_path / "c.partial.txt").write_text("half")
    jobs = planned(["a.wav", "b.wav", "c.wav"], tmp_path, resume=True)
    assert [job.file for job in jobs.todo] == ["a.wav", "c.wav"]
    assert [job.file for job in jobs.done] == ["b.wav"]
    with pytest.raises(OutputError, match="needs a file for each transcript"):
        planned(["a.wav", "b.wav"], None, resume=True)
    with pytest.raises(OutputError, match="give one"):
        planned(["a.wav"], tmp_path, resume=True, overwrite=True)


# ----------------------------------------------------------------------------------------------- what cannot be written


def test_places_that_refuse_are_known_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for output, why in ((f"{tmp_path}/file/", "not a directory"), (f"{tmp_path}/gone/../file/x", "not a directory")):
        with pytest.raises(OutputError, match=f"Cannot write .*{why}; give another place"):
            planned(["a.wav"], output)
    with pytest.raises(OutputError, match="not a possible path"):
        planned(["a.wav"], "a\0b")
    check_places(plan_output(["a.wav"], Format.TEXT, f"{tmp_path}/new/deep/"), ["a.wav"])
    assert sorted(os.listdir(tmp_path)) == ["file"], "a check makes nothing"


@pytest.mark.parametrize("output", ["texts", "my texts.d/of today"])
def test_a_name_without_an_ending_is_the_directory_of_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.chdir(tmp_path)
    recording(tmp_path / "a.wav")
    (tmp_path / "calls").mkdir()
    recording(tmp_path / "calls" / "c.wav")
    assert planned(["a.wav", "b.wav"], output).plan.each == (Path(output, "a.txt"), Path(output, "b.txt"))
    assert planned(["calls"], output, recursive=True).plan.each == (Path(output, "c.txt"),)
    assert planned(["a.wav"], output, template="{number}.txt").plan.each == (Path(output, "1.txt"),)
    assert planned(["a.wav"], output).plan.each == (Path(output),)
    assert planned(["a.wav", "b.wav"], f"{output}.txt").plan.together == Path(f"{output}.txt")
    assert planned(["a.wav", "b.wav"], "-").plan.places == ()


def test_a_file_without_an_ending_that_is_there_stays_a_file(tmp_path: Path) -> None:
    (tmp_path / "texts").write_text("of yesterday")
    with pytest.raises(OutputError, match="texts is there already"):
        planned(["a.wav", "b.wav"], tmp_path / "texts")
    assert planned(["a.wav", "b.wav"], tmp_path / "texts", overwrite=True).plan.together == tmp_path / "texts"


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("", r"--output is empty: name a file, or a directory that ends in a slash"),
        ("b.m4a", r"b\.m4a has the name of a recording, .*: give a name such as b\.txt"),
        ("new/b.MP3", r"new/b\.MP3 has the name of a recording, .*: give a name such as new/b\.txt"),
    ],
)
def test_an_output_that_nobody_means_is_refused(output: str, sentence: str) -> None:
    for files in (["a.wav"], ["a.wav", "c.wav"]):
        with pytest.raises(OutputError, match=sentence):
            planned(files, output)


def test_a_directory_may_have_the_name_of_a_recording(tmp_path: Path) -> None:
    (tmp_path / "old.wav").mkdir()
    assert planned(["a.wav"], tmp_path / "old.wav").plan.each == (tmp_path / "old.wav" / "a.txt",)
    assert planned(["a.wav"], f"{tmp_path}/new.wav/").plan.each == (tmp_path / "new.wav" / "a.txt",)


@pytest.mark.parametrize("output", ["{0}/" + 300 * "a", "{0}/" + 300 * "a" + ".txt", "{0}/new/" + 300 * "a" + "/x.txt"])
def test_a_name_that_is_too_long_is_known_before_the_work(tmp_path: Path, output: str) -> None:
    for files in (["a.wav"], ["a.wav", "b.wav"]):
        with pytest.raises(OutputError, match=r"Cannot write .*: file name too long; give a shorter name"):
            planned(files, output.format(tmp_path))


def test_every_transcript_has_room_for_its_name_and_for_the_mark_of_a_partial_one(tmp_path: Path) -> None:
    for directory in ("there", "new/deep"):
        (tmp_path / "there").mkdir(exist_ok=True)
        for long in (251 * "a", 245 * "a", 122 * "ü"):
            with pytest.raises(OutputError, match=r"file name too long; give a shorter name.*'\{number\}\.\{format\}'"):
                planned(["a.wav", f"{long}.m4a"], f"{tmp_path}/{directory}/", Format.JSON)
        planned(["a.wav", 235 * "a" + ".m4a"], f"{tmp_path}/{directory}/", Format.JSON)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_the_full_device(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Cannot write /dev/full: no space left on device"):
        planned(["a.wav"], "/dev/full")


def test_a_file_that_cannot_be_written_after_all_is_an_error_of_its_own(tmp_path: Path) -> None:
    jobs = planned(["a.wav", "b.wav"], f"{tmp_path}/new/")
    (tmp_path / "new").write_text("somebody else's")
    writer = TranscriptWriter(jobs.plan, stdout := io.StringIO())
    with pytest.raises(OutputError, match=r"Cannot write .*: file exists; give another place"):
        writer.add(transcript("one"), jobs.todo[0].place)
    writer.show(transcript("one"))
    assert stdout.getvalue() == "one\n"


def test_a_link_that_leads_nowhere_is_told_of(tmp_path: Path) -> None:
    recording(tmp_path / "a.wav")
    (tmp_path / "b.wav").symlink_to("gone.wav")
    (tmp_path / "c.txt").symlink_to("gone.txt")
    wanted = Wanted(files=[str(tmp_path)], form=Format.TEXT, recursive=True)
    [(job, error)] = unreadable(plan_jobs(wanted).todo, wanted)
    assert (job.file, error.problem) == (str(tmp_path / "b.wav"), "there is no such file")


# ------------------------------------------------------------------------------------------------ partial ones


def test_a_partial_transcript_has_a_name_and_a_mark_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the whole one, of yesterday")
    half = transcript("one", interrupted=True)
    write(["a.wav"], str(tmp_path / "a.txt"), Format.TEXT, half)
    assert (tmp_path / "a.txt").read_text() == "the whole one, of yesterday"
    assert (tmp_path / "a.partial.txt").read_text() == "one\n# partial: interrupted after 1.50 s of audio\n"
    write(["a.wav"], str(tmp_path / "a.txt"), Format.TEXT, transcript("two", complete=False))
    assert "did not account for all" in (tmp_path / "a.partial-2.txt").read_text()
    assert '"partial": true' in write(["a.wav"], None, Format.JSON, half)
    assert "NOTE partial: interrupted" in write(["a.wav"], None, Format.VTT, half)


def test_a_device_takes_a_partial_transcript_itself() -> None:
    assert partial_place(Path("/dev/null")) == Path("/dev/null")
