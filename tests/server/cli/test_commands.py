"""The commands as a user types them, through the embedded server, on the scripted engine."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from auricle.server.cli.entry import main
from auricle.server.cli.main import app

EXAMPLES = Path(__file__).parents[3] / "examples" / "audio"
COUNTED = ["one two three four five six seven eight nine ten"]
"""In one line: nobody waits for a recording, so the pause in the middle ends nothing."""
ACCOUNT = (
    r"hello\.flac: 5\.08 s in, 5\.08 s committed \(complete\) · 10 words · last final -?\d+\.\d\d s after .* · scripted"
)


def auricle(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner(env={"AURICLE_ENGINE": "scripted"}).invoke(app, [str(item) for item in arguments], input=stdin)


@pytest.fixture
def hello() -> Path:
    return EXAMPLES / "hello.flac"


def test_words_on_stdout_and_the_accounting_on_stderr(hello: Path) -> None:
    result = auricle("transcribe", hello)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == COUNTED
    assert re.search(ACCOUNT, result.stderr)
    assert "\x1b" not in result.output, "a pipe gets no control codes"


def test_json_holds_words_times_and_the_accounting(hello: Path) -> None:
    result = auricle("transcribe", hello, "--format", "json")
    document = json.loads(result.stdout)
    assert document["complete"] is True
    assert document["accounting"]["committed"] == document["accounting"]["offered"] == 81_200
    assert [segment["text"] for segment in document["segments"]] == COUNTED
    assert document["segments"][0]["words"][1] == {
        "text": "two",
        "start": 0.4,
        "end": 0.8,
        "confidence": 0.9,
        "speaker": None,
    }


def test_subtitles_into_a_directory(hello: Path, tmp_path: Path) -> None:
    result = auricle("transcribe", hello, EXAMPLES / "meeting.mp3", "-f", "srt", "-o", f"{tmp_path}/subtitles/")
    assert result.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "subtitles").iterdir()) == ["hello.srt", "meeting.srt"]
    assert "00:00:00,000 -->" in (tmp_path / "subtitles" / "hello.srt").read_text()


def test_standard_input(hello: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(hello, dtype="int16")
    soundfile.write(tmp_path / "hello.wav", samples, rate)
    result = auricle("transcribe", "-", stdin=(tmp_path / "hello.wav").read_bytes())
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["one two three four five", "six seven eight nine ten"], (
        "somebody may be waiting behind a pipe"
    )


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("missing.wav", None, "there is no such file"),
        ("empty.wav", b"", "it is empty"),
        ("notes.wav", b"these are just notes, no audio at all\n", "not"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence_and_the_others_are_done(
    hello: Path, tmp_path: Path, name: str, content: bytes | None, why: str
) -> None:
    bad = tmp_path / name
    if content is not None:
        bad.write_bytes(content)
    result = auricle("transcribe", bad, hello)
    assert result.exit_code == 2
    assert [line for line in result.stdout.splitlines() if not line.startswith("#")] == COUNTED
    complaint = next(line for line in result.stderr.splitlines() if name in line)
    assert why in complaint
    assert "Traceback" not in result.stderr


def test_a_truncated_file_gives_what_it_has_and_then_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, np.zeros(80_000, dtype=np.int16), 16_000)
    path.write_bytes(path.read_bytes()[:100_000])
    result = auricle("transcribe", path)
    assert result.exit_code == 2
    assert result.stdout.splitlines() == ["one two three four five"]
    assert "cut.wav" in result.stderr.splitlines()[-1]
    assert "(complete)" in result.stderr, "what there was is accounted for"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--url", "nonsense"], "is not the URL of a server"),
        (["--url", "ws://127.0.0.1:1", "--model", "x"], "the server at --url has made its choice"),
        (["--url", "ws://127.0.0.1:1", "--beam-size", "2", "--threads", "2"], "--beam-size and --threads choose what"),
        (["--engine", "scripted", "--threads", "2"], "engine scripted cannot be told its threads"),
        (["--engine", "whisper", "--model", "pebble-en", "--device", "toaster"], "There is no device 'toaster'"),
        (["--engine", "whisper", "--model", "pebble-en", "--compute-type", "int3"], "cannot compute with 'int3'"),
        (["-f", "srt", "second.wav"], "One srt file cannot hold 2 recordings"),
        (["--engine", "nobody"], "There is no engine 'nobody'"),
        (["--engine", "whisper", "--model", "/no/such/model"], "There is no Whisper model"),
    ],
)
def test_a_wrong_flag_is_one_sentence(hello: Path, arguments: list[str], sentence: str) -> None:
    environment = {} if "--engine" in arguments or "--url" in arguments else {"AURICLE_ENGINE": "scripted"}
    result = CliRunner(env=environment).invoke(app, ["transcribe", str(hello), *arguments])
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_server_that_cannot_be_reached(hello: Path) -> None:
    result = CliRunner().invoke(app, ["transcribe", str(hello), "--url", "ws://127.0.0.1:1"])
    assert result.exit_code == 1
    assert "could not be made" in result.stderr


def test_a_reader_that_has_gone_is_no_traceback(hello: Path) -> None:
    command = [sys.executable, "-c", "from auricle.server.cli.entry import main; main()", "transcribe", str(hello)]
    environment = os.environ | {"AURICLE_ENGINE": "scripted"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    complaint = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(60) == 1
    assert "Traceback" not in complaint


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("arguments", [["--version"], ["transcribe", "--help"], ["config"], ["models", "list"]])
def test_a_full_disk_is_one_sentence(arguments: list[str]) -> None:
    command = [sys.executable, "-c", "from auricle.server.cli.entry import main; main()", *arguments]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, "Cannot write to standard output: no space left on device.\n")


def test_realtime_takes_as_long_as_speech(tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, np.zeros(8_000, dtype=np.int16), 16_000)
    result = auricle("transcribe", path, "--realtime")
    assert result.exit_code == 0
    assert "0.50 s in, 0.50 s committed (complete)" in result.stderr


def test_help_names_every_command() -> None:
    result = auricle("--help")
    assert all(command in result.stdout for command in ("transcribe", "serve", "listen"))


def test_a_client_only_installation_is_told_what_the_command_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("No module named 'typer'", name="typer")

    monkeypatch.setattr("auricle.server.cli.entry.import_module", missing)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        "The auricle command needs typer: run `pip install -e '.[server]'` in the checkout of Auricle.\n"
    )


def test_files_that_cannot_be_opened_are_told_before_a_model_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("no audio")
    arguments = [
        "transcribe",
        tmp_path / "notes.wav",
        tmp_path / "gone.wav",
        tmp_path,
        "--model",
        tmp_path / "gone.json",
    ]
    result = auricle(*arguments)
    assert result.exit_code == 2
    assert [line.split(": ")[0] for line in result.stderr.splitlines()[:3]] == [
        f"Cannot read {tmp_path}/notes.wav", f"Cannot read {tmp_path}/gone.wav", f"Cannot read {tmp_path}",
    ]  # fmt: skip
    assert "gone.json" not in result.stderr, "there is nothing to load a model for"


def test_a_recording_that_cannot_be_read_gets_no_file_and_the_others_get_theirs(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("no audio")
    result = auricle("transcribe", tmp_path / "notes.wav", hello, "-o", f"{tmp_path}/out/")
    assert result.exit_code == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["hello.txt"]


def test_one_output_that_fails_stops_no_other_and_its_words_are_shown(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "hello.txt").symlink_to("gone/it.txt")
    second = tmp_path / "new.mp3"
    second.write_bytes((EXAMPLES / "meeting.mp3").read_bytes())
    result = auricle("transcribe", second, hello, "-o", tmp_path / "out", "--output-template", "{stem}.txt")
    assert result.exit_code == 2
    assert "Cannot write" in result.stderr
    assert result.stdout.splitlines() == COUNTED
    assert (tmp_path / "out" / "new.txt").read_text()


def test_resume_does_what_is_missing(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "hello.txt").write_text("of yesterday")
    result = auricle("transcribe", hello, EXAMPLES / "meeting.mp3", "-o", tmp_path, "--resume")
    assert result.exit_code == 0
    assert (tmp_path / "hello.txt").read_text() == "of yesterday"
    assert (tmp_path / "meeting.txt").read_text()
    assert f"hello.flac: its transcript is there already ({tmp_path}/hello.txt); skipped." in result.stderr


def test_a_run_over_several_sums_up(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "c.txt").write_text("of yesterday")
    files = [tmp_path / f"{name}.flac" for name in "abc"]
    for file in files[1:]:
        file.write_bytes(hello.read_bytes())
    result = auricle("transcribe", *files, hello, "-o", tmp_path / "out", "--resume")
    summed, failed = result.stderr.splitlines()[-2:]
    assert summed.startswith("4 recordings: 2 done, 1 skipped, 1 failed · 0.2 min of audio · 20 words · ")
    assert summed.endswith("x real time")
    assert failed == f"Failed: {tmp_path}/a.flac"
    assert "recordings:" not in auricle("transcribe", hello).stderr


def test_standard_input_is_called_so_in_the_sum(hello: Path, tmp_path: Path) -> None:
    result = auricle("transcribe", "-", hello, stdin=b"")
    assert result.stderr.splitlines()[-1] == "Failed: standard input"


def test_folders(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "calls" / "monday").mkdir(parents=True)
    (tmp_path / "calls" / ".trash").mkdir()
    (tmp_path / "empty").mkdir()
    for name in ("a.FLAC", "monday/a.flac", "notes.txt", ".hidden.flac", ".trash/b.flac"):
        (tmp_path / "calls" / name).write_bytes(hello.read_bytes())
    (tmp_path / "a.flac").write_bytes(hello.read_bytes())
    names = ("-o", f"{tmp_path}/out/", "--output-template", "{folder}/{name}.txt")
    result = auricle("transcribe", "-r", tmp_path / "calls", tmp_path / "empty", tmp_path / "a.flac", *names)
    made = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.txt"))
    assert made == ["a.flac.txt", "calls/a.FLAC.txt", "calls/monday/a.flac.txt"]
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == (
        f"Cannot read {tmp_path}/empty: it is a folder without recordings; name the recordings themselves."
    )


def test_channels_that_cancel_each_other_are_told_once(tmp_path: Path) -> None:
    mono = 0.5 * np.sin(np.arange(80_000) / 6)
    soundfile.write(tmp_path / "it.wav", np.stack([mono, -mono], axis=1), 16_000)
    result = auricle("transcribe", tmp_path / "it.wav")
    assert result.stderr.count("cancel each other") == 1
    assert "the first of them is heard alone" in result.stderr
    assert "cancel each other" not in auricle("transcribe", tmp_path / "it.wav", "--channel", "2").stderr
    assert "no channel 3" in auricle("transcribe", tmp_path / "it.wav", "--channel", "3").stderr
