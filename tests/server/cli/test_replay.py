"""``auricle replay`` as a user types it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from auricle.core import ClientSession, Start
from auricle.core.trace import TraceWriter
from auricle.core.trace.observer import watch
from auricle.server.cli.main import app

TRACES = Path(__file__).parents[2] / "traces"
EXAMPLES = Path(__file__).parents[3] / "examples" / "audio"


def replay(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["replay", *map(str, arguments)])


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "trace.jsonl"
    path.write_bytes((TRACES / "flush_and_end.client.jsonl").read_bytes())
    return path


def test_a_trace_that_agrees(trace: Path) -> None:
    result = replay(trace)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{trace}: the client's ")
    assert result.stdout.endswith(" calls replay exactly.\n")
    assert len(result.stdout.splitlines()) == 1


def test_the_conversation(trace: Path) -> None:
    result = replay(trace, "--conversation")
    assert result.exit_code == 0
    assert "  C> start audio=" in result.stdout
    assert "  S> ready seq=1 " in result.stdout
    assert "  S> closed seq=" in result.stdout
    assert result.stdout.splitlines()[-1].endswith(" calls replay exactly.")


def test_a_trace_that_diverges_shows_what_was_said_until_then(trace: Path) -> None:
    lines = trace.read_text(encoding="utf-8").splitlines()
    number = next(n for n, line in enumerate(lines, 1) if '"type\\":\\"flush\\"' in line)
    lines[number - 1] = lines[number - 1].replace('\\"flush\\"', '\\"rush\\"', 1)
    trace.write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = replay(trace)
    assert result.exit_code == 1
    *said, verdict, difference = result.stdout.splitlines()
    assert said[-1].split()[1:3] == ["C>", "rush"]
    assert not [line for line in said if "closed" in line], "only what was said until then"
    assert verdict == f"{trace}: diverges at line {number}: flush does otherwise than the client did."
    assert difference == '  output 1 frame type: "rush" was recorded, now it is "flush"'


def test_a_fixed_bug_is_saved_as_what_ought_to_happen(trace: Path, tmp_path: Path) -> None:
    assert replay(trace, "--save", tmp_path / "ours.jsonl").exit_code == 0
    original = (tmp_path / "ours.jsonl").read_text(encoding="utf-8")
    trace.write_text(original.replace('\\"type\\":\\"flush\\"', '\\"type\\":\\"rush\\"'), encoding="utf-8")
    assert replay(trace, "--save", tmp_path / "fixed.jsonl").exit_code == 1
    saved = (tmp_path / "fixed.jsonl").read_text(encoding="utf-8")
    assert saved == original
    assert replay(tmp_path / "fixed.jsonl").exit_code == 0


def test_a_cut_off_end_is_said(trace: Path) -> None:
    trace.write_bytes(trace.read_bytes()[:-10])
    result = replay(trace)
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    assert first == f"{trace}: the last line was cut off and left out."
    assert second.endswith(" calls replay exactly.")


def test_a_trace_that_ends_with_an_exception_shouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has caught a bug in a trace is not told that all is well because it can be caught again."""

    def connected(_self: object, *, now: float) -> object:
        raise AssertionError(f"a bug at {now}")

    lines: list[str] = []
    monkeypatch.setattr(ClientSession, "connect", connected)
    session = ClientSession(Start(), now=1.0)
    writer = TraceWriter(audio=False, redactor=None, about={})
    lines.append(writer.header(session.snapshot, {"config": Start(), "now": 1.0}))
    watch(session, lambda call: lines.append(writer.call(call)))
    with pytest.raises(AssertionError):
        session.connect(now=2.0)
    trace = tmp_path / "trace.jsonl"
    trace.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    result = replay(trace)
    assert result.exit_code == 1
    shouted, verdict = result.stdout.splitlines()
    assert (
        shouted == f"{trace}: The trace ends with a call that raised: connect at line 2, AssertionError: a bug at 2.0"
    )
    assert verdict == f"{trace}: the client's 1 calls replay exactly, and the last one raises here as well."

    monkeypatch.undo()  # mended
    result = replay(trace)
    assert result.exit_code == 1
    assert "The trace ends with a call that raised" in result.stdout
    assert "diverges at line 2" in result.stdout


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "{path}: No such file or directory."),
        (b"", "{path} is not a trace that can be replayed: the trace is empty."),
        (b"some words\n", "{path} is not a trace that can be replayed: line 1: it is not JSON."),
        (b"\xff\xfe\0\0", "{path} is not a trace that can be replayed: line 1: it is not JSON."),
        (b'{"a":1}\n', "{path} is not a trace that can be replayed: line 1: it does not begin as a trace does."),
        (
            b'{"auricle_trace":9}\n',
            "{path} is not a trace that can be replayed: "
            "line 1: the trace has format 9, this version replays format 1.",
        ),
    ],
)
def test_what_cannot_be_replayed_is_one_sentence(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "bad.jsonl"
    if content is not None:
        path.write_bytes(content)
    result = replay(path)
    assert result.exit_code == 2
    assert result.stderr == sentence.format(path=path) + "\n"
    assert not result.stdout


def test_a_directory_is_one_sentence(tmp_path: Path) -> None:
    result = replay(tmp_path)
    assert (result.exit_code, result.stderr) == (2, f"{tmp_path}: Is a directory.\n")


def test_a_result_that_cannot_be_saved_is_one_sentence(trace: Path, tmp_path: Path) -> None:
    result = replay(trace, "--save", tmp_path / "no" / "such" / "place")
    assert result.exit_code == 2
    assert result.stderr == f"{tmp_path}/no/such/place: No such file or directory.\n"


def test_what_a_peer_said_cannot_move_the_cursor(trace: Path) -> None:
    text = trace.read_text(encoding="utf-8").replace("words from", "\\\\u009b31m words \\\\u001b[2J from")
    trace.write_text(text, encoding="utf-8")
    result = replay(trace, "--conversation")
    assert '"31m words \\u001b[2J from' in result.stdout
    assert not {"\x1b", "\x9b"} & set(result.stdout)


def test_both_sides_of_a_real_session_are_traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way: command, client, WebSocket, server, engine; and both traces replay."""
    monkeypatch.setenv("AURICLE_TRACE", str(tmp_path))
    monkeypatch.setenv("AURICLE_ENGINE", "scripted")
    assert CliRunner().invoke(app, ["transcribe", str(EXAMPLES / "hello.flac")]).exit_code == 0
    client, server = sorted(tmp_path.iterdir())
    assert client.name.startswith("client-")
    assert server.name.startswith("server-")
    for path in (client, server):
        result = replay(path, "--conversation")
        assert result.exit_code == 0
        assert 'text="one two three four five"' in result.stdout
