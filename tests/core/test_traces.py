"""What a trace holds: one call of a verb a line, all of it JSON, and every value there comes back."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auricle.core import ClientSession, ServerSession, Start
from auricle.core.machine import step
from auricle.core.messages import CLIENT_MESSAGES, SERVER_MESSAGES, EndInput
from auricle.core.session import Outputs
from auricle.core.snapshot import Snapshot
from auricle.core.stimuli import Say, Stimulus
from auricle.core.trace import VERSION, TraceError, dialogue, replay, verbs
from auricle.core.trace.values import from_json, to_json
from core.link import Link, ready
from core.scenes import comes_back, flush_and_end
from core.tapes import Tape, rolling
from core.test_codec import JSON, messages


def test_a_trace_is_one_object_a_line_and_names_its_session() -> None:
    client, server = flush_and_end()
    for tape in (client, server):
        header, *calls = [json.loads(line) for line in tape.text().splitlines()]
        assert header["auricle_trace"] == VERSION
        assert header["role"] == tape.role.value
        assert header["made"]["limits"]["window_s"] == 30.0
        assert all(set(call) - {"raised"} == {"now", "call", "with", "out", "state"} for call in calls)
        assert '"s1"' in json.dumps(calls[1:3])


def test_audio_is_counted_and_written_down_only_when_asked() -> None:
    client, server = flush_and_end()
    for tape in (client, server):
        assert '"hex"' not in tape.text()
        assert '{"$bytes":5000}' in tape.text()
        assert '{"$bytes":5000,"hex":"00000100020003' in tape.text(audio=True)


def test_a_refused_verb_and_a_bug_are_in_it() -> None:
    client, _ = flush_and_end()
    raised = [call.raised for call in replay(client.text()).calls if call.raised]
    assert raised == [{"type": "LocalProtocolError", "why": "flush id 'f1' has been used"}]


def test_a_bug_in_the_core_replays_as_the_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(s: Snapshot, stimulus: Stimulus, *, now: float) -> Any:
        if stimulus == Say(message=EndInput()):
            raise KeyError("something")
        return step(s, stimulus, now=now)

    monkeypatch.setattr("auricle.core.session.step", broken)
    with rolling() as tapes:
        link = ready()
        with pytest.raises(KeyError):
            link.end()
    assert not replay(tapes[0].text()).divergences
    monkeypatch.undo()
    (divergence,) = replay(tapes[0].text()).divergences
    assert divergence.verb == "end_input"
    assert divergence.differences[0] == (
        """raised: {"type":"KeyError","why":"'something'"} was recorded, now it is nothing"""
    )


def test_people_can_read_the_flush_and_end() -> None:
    results = [replay(tape.text()) for tape in flush_and_end()]
    mine, theirs = (list(dialogue(result.header, result.calls)) for result in results)
    assert any(line.startswith("     0.000  C> start audio=") for line in mine)
    assert any(line.startswith('     0.000  S> ready seq=1 session="s1"') for line in mine)
    assert "     0.000  C> audio, 5000 bytes" in mine
    assert "     0.000  -- flush raised LocalProtocolError: flush id 'f1' has been used" in mine
    for speaker in ("  C> ", "  S> "):
        said, heard = (
            [line[10:] for line in lines if speaker in line and "> audio" not in line] for lines in (mine, theirs)
        )
        assert said == heard, "nothing was lost here: both saw the same conversation"


def test_a_connection_that_is_handed_over_begins_with_its_resume() -> None:
    server = comes_back()[1]
    result = replay(server.text())
    lines = [line[12:] for line in dialogue(result.header, result.calls)]
    assert lines[lines.index("-- AdoptTransport") - 1].startswith('C> resume session="s1" token="redacted-1')
    assert lines[lines.index("-- AdoptTransport") + 1].startswith('S> resumed session="s1"')


def test_frames_of_audio_in_a_row_are_one_line() -> None:
    with rolling() as tapes:
        link = ready()
        for _ in range(3):
            link.send(100)
    result = replay(tapes[0].text())
    assert list(dialogue(result.header, result.calls))[-1] == "     0.000  C> audio in 3 frames, 600 bytes"


def test_every_verb_is_watched() -> None:
    assert {"connect", "transport_opened", "transport_lost", "receive", "handle_timeout", "abort"} <= verbs(
        ClientSession
    )
    assert {"accept", "final", "receive", "handle_timeout", "transport_lost", "fail"} <= verbs(ServerSession)
    link = Link()
    for session in (link.client, link.server):
        unwatched = {name for name in verbs(type(session)) if name not in vars(session)}
        assert not unwatched, "the conftest records every link"


def test_a_verb_that_calls_another_is_one_line() -> None:
    class Leaving(ClientSession):
        def leave(self, *, now: float) -> Outputs:
            return self.end_input(now=now) + self.abort(now=now)

    tape = Tape(Leaving, Start(), now=0.0)
    tape.session.leave(now=1.0)  # type: ignore[attr-defined]
    assert [json.loads(line)["call"] for line in tape.lines()[1:]] == ["leave"]


def test_a_session_nobody_watches_is_untouched() -> None:
    assert not {name for name in vars(ClientSession(Start(), now=0.0)) if not name.startswith("_")}


# ---------------------------------------------------------------------------- values


@settings(deadline=None)
@given(st.one_of(*(messages(cls) for cls in {**CLIENT_MESSAGES, **SERVER_MESSAGES}.values())))
def test_every_message_comes_back_as_it_was(message: Any) -> None:
    assert from_json(json.loads(json.dumps(to_json(message, audio=True)))) == message


@given(JSON)
@example({"$": "Start"})
@example([{"$bytes": -1}])
@example({"$opaque": {}})
@example({"$bytes": 10**15})
@example({"$bytes": 1, "hex": "zz"})
@example({"$": "Start", "task": "sing"})
@example({"$": "Transmit"})
@example({"$": "Final", "such": 1})
def test_any_json_is_a_value_or_one_sentence(raw: Any) -> None:
    with suppress(TraceError):
        value = from_json(raw)
        json.dumps(to_json(value, audio=True), allow_nan=False)


@given(st.dictionaries(st.sampled_from(["$", "$bytes", "$$", "a"]), JSON, max_size=3))
def test_an_object_that_looks_like_one_of_ours_is_not_taken_for_it(raw: dict[str, Any]) -> None:
    assert repr(from_json(to_json(raw, audio=False))) == repr(raw)


def test_what_cannot_be_written_down_is_said_to_be() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    assert '"$opaque"' in json.dumps(to_json(deep, audio=False))
    assert to_json(object(), audio=False) == {"$opaque": "object"}
    assert to_json(10**5_000, audio=False) == {"$opaque": "int"}
