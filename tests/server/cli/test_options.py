"""The command line before any work: help that comes at once, options that reach the server, and wrong ones."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from auricle.core import Start
from auricle.core.parts import Endpointing
from auricle.server.app import DEFAULT_PORT
from auricle.server.cli import transcribe as transcribe_command
from auricle.server.cli.exit_codes import Exit
from auricle.server.cli.main import app
from auricle.server.cli.option_errors import OptionError
from auricle.server.cli.session_options import checked_languages, read_terms
from auricle.server.transcripts.format_names import Format

HEAVY = {"numpy", "trio", "rich", "av", "soundfile", "onnxruntime", "ctranslate2", "faster_whisper", "huggingface_hub"}


def auricle(*arguments: str | Path) -> Result:
    return CliRunner(env={"AURICLE_ENGINE": "scripted"}).invoke(app, [str(item) for item in arguments])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["transcribe", "--help"],
        ["serve", "--help"],
        ["--version"],
        ["serve", "--no-such-option"],
        ["transcribe", "a.wav", "-f", "strt"],
        ["transcribe", "a.wav", "--silence", "long"],
    ],
)
def test_help_version_and_wrong_options_import_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from auricle.server.cli.main import app\n"
        f"try: app({arguments!r})\n"
        "except SystemExit: print(*sys.modules, sep='\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = set(done.stdout.splitlines())
    assert "typer" in imported
    assert not imported & HEAVY


def test_the_version_by_every_name() -> None:
    expected = f"auricle {metadata.version('auricle')}\n"
    assert auricle("--version").stdout == expected
    command = [sys.executable, "-m", "auricle", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == expected


def test_the_port_that_help_names_is_the_clients_default() -> None:
    assert f"default: {DEFAULT_PORT};" in " ".join(auricle("serve", "--help").stdout.split())


def requested(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> transcribe_command.Request:
    """Return what the options ask for."""
    requests: list[transcribe_command.Request] = []

    async def transcribe(request: transcribe_command.Request) -> Exit:
        requests.append(request)
        return Exit.GOOD

    monkeypatch.setattr(transcribe_command, "transcribe", transcribe)
    result = auricle("transcribe", "a.wav", *arguments)
    assert result.exit_code == 0, result.stderr
    return requests[0]


def asked(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> Start:
    """Return the configuration that the options make."""
    return requested(monkeypatch, *arguments).config


def test_every_knob_reaches_the_session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = asked(
        monkeypatch, "--prompt", "A talk on bees.", "--keyterms", "Apis mellifera, hive,,hive", "--silence", "0.8",
        "--max-segment", "12.5", "--task", "translate", "--language", "de",
    )  # fmt: skip
    assert config.bias.prompt == "A talk on bees."
    assert config.bias.terms == ("Apis mellifera", "hive")
    assert (config.endpointing.silence_ms, config.endpointing.max_segment_ms) == (800, 12_500)
    assert (config.task, config.language) == ("translate", "de")
    (tmp_path / "terms.txt").write_text("Zürich, the city\n\nhive\n", encoding="utf-8")
    terms = asked(monkeypatch, "--keyterms", f"@{tmp_path}/terms.txt").bias.terms
    assert terms == ("Zürich, the city", "hive")
    plain = asked(monkeypatch)
    assert (plain.bias, plain.endpointing) == (Start().bias, Endpointing(offline=True))
    for live in (("--realtime",), ("-",)):
        assert asked(monkeypatch, *live).endpointing == Endpointing(), "somebody waits"
    assert asked(monkeypatch, "--languages", "de, en-GB,de").languages == ("de", "en-GB")


@pytest.mark.parametrize(
    ("languages", "language", "sentence"),
    [
        ("de,english!", None, "not 'english!'"),
        (" , ", None, "and not nothing"),
        (",".join(f"x{letter}" for letter in map(chr, range(97, 123))) + ",ya,yb,yc,yd,ye,yf,yg", None, "names 33"),
        ("de,en", "de", "give one"),
    ],
)
def test_languages_that_cannot_be_used(languages: str, language: str | None, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        checked_languages(languages, language)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("@/no/such/file", "Cannot read the terms of /no/such/file: no such file or directory"),
        (" , ", "names no terms"),
        ("x" * 201, "a term of 201 characters"),
        (",".join(map(str, range(501))), "names 501 terms, and 500 are the most"),
    ],
)
def test_terms_that_cannot_be_used(given: str, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        read_terms(given)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--prompt", "x" * 2_001], "--prompt has 2001 characters, and 2000 are the most: shorten it."),
        (["--keyterms", ""], "--keyterms names no terms"),
        (["--language", "english"], "--language takes a code, as in en, de or pt-BR, and not 'english'"),
        (["--silence", "0.05"], "--silence takes a number of seconds from 0.1 to 10, and not '0.05'."),
        (["--max-segment", "long"], "--max-segment takes a number of seconds from 1 to 28, and not 'long'."),
        (["--channel", "0"], "--channel takes a whole number from 1 to 1000, and not '0'."),
        (["--threads", "-1"], "--threads takes a whole number from 1 to 1024, and not '-1'."),
        (["--task", "sing"], "--task takes transcribe or translate, and not 'sing'."),
        (["-f", "strt"], "--format takes text, json, srt, vtt, tsv or lrc, and not 'strt': did you mean srt?"),
        (["-f", ""], "--format takes text, json, srt, vtt, tsv or lrc, and not ''."),
        (["--nothing"], "No such option: --nothing"),
    ],
)
def test_a_wrong_option_is_one_sentence(arguments: list[str], sentence: str) -> None:
    result = auricle("transcribe", "a.wav", *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr.splitlines()[-1]


def test_the_commands_that_people_begin_with_come_first() -> None:
    listed = auricle("--help").stdout.split("Commands:")[1].split()
    assert listed[0] == "transcribe"
    assert listed.index("serve") < listed.index("cluster")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Format.TEXT),
        (["-f", "txt"], Format.TEXT),
        (["-f", "SRT"], Format.SRT),
        (["-o", "talk.srt"], Format.SRT),
        (["-o", "talk.TXT"], Format.TEXT),
        (["-o", "talk.json", "-f", "vtt"], Format.VTT),
        (["-o", "talk.srt", "--output-template", "{stem}.vtt"], Format.VTT),
        (["-o", "srt"], Format.TEXT),
        (["-o", "notes.of.monday"], Format.TEXT),
        (["-o", "-"], Format.TEXT),
    ],
)
def test_the_name_of_the_output_says_the_format(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: Format
) -> None:
    assert requested(monkeypatch, *arguments).wanted.form is expected
