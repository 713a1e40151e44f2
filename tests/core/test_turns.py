"""Turns (O11): a turn is its finals, and a ``turn_end`` is what was promised, whatever happens meanwhile."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core import (
    Configured,
    Features,
    Final,
    Flushed,
    LocalProtocolError,
    ServerInfo,
    Start,
    TurnEnd,
    TurnMaybeEnd,
    TurnResumed,
)
from auricle.core.turn import LONGEST_TEXT, UNPROMISED
from core.link import Link, ready

ASKED = Start(features=Features(turns=True))


class Engine:
    """An engine in the hands of a test: says what it likes about turns, and answers when it is told to."""

    def __init__(self, link: Link) -> None:
        self.link = link
        link.engine.accepts = False

    def say(self, verb: Callable[..., Any], *args: Any, **named: Any) -> None:
        self.link.route("server", verb(*args, **named, now=self.link.now))

    @property
    def s(self) -> Any:
        return self.link.server.snapshot

    def final(self, end: int, text: str | None = None) -> None:
        said = f"w{self.s.segment}" if text is None else text
        self.say(
            self.link.server.final, said, end_sample=end, start_s=0.0, end_s=0.1, confidence=1.0, reason="endpoint"
        )

    def maybe(self, text: str | None) -> None:
        self.say(self.link.server.turn_maybe_end, text, at_sample=self.s.received)

    def resumed(self) -> None:
        self.say(self.link.server.turn_resumed, self.s.received)

    def end(self, trigger: str) -> None:
        self.say(self.link.server.turn_end, trigger, at_sample=self.s.received, confidence=0.9)


def opened(config: Start = ASKED, **arguments: Any) -> tuple[Link, Engine]:
    link = ready(config=config, **arguments)
    engine = Engine(link)
    link.send(1_000)
    link.settle()
    return link, engine


def told(link: Link) -> list[tuple[str, Any]]:
    """What a client was told of turns: the kind, and the text or the segment."""
    link.settle_wire()
    kinds = {TurnMaybeEnd: "maybe", TurnResumed: "resumed", TurnEnd: "end", Final: "final", Flushed: "flushed"}
    return [(kinds[type(event)], getattr(event, "text", "")) for event in link.client_events if type(event) in kinds]


# ---------------------------------------------------------------------------- what is said, and when


def test_a_promise_that_holds_is_followed_by_its_end() -> None:
    link, engine = opened()
    engine.maybe("w0")
    engine.final(500)
    engine.end("model")
    assert told(link) == [("maybe", "w0"), ("final", "w0"), ("end", "w0")]
    end = link.of(TurnEnd)[0]
    assert (end.turn, end.segments, end.at, end.trigger, end.confidence) == (0, (0, 0), 1_000, "model", 0.9)


def test_a_turn_may_have_many_segments() -> None:
    link, engine = opened()
    engine.final(300)
    engine.maybe("w1")
    engine.final(600)
    engine.end("silence")
    engine.final(900)
    engine.end("timeout")
    assert told(link)[1:] == [
        ("maybe", "w0 w1"), ("final", "w1"), ("end", "w0 w1"), ("final", "w2"), ("end", "w2"),
    ]  # fmt: skip
    assert [(end.turn, end.segments) for end in link.of(TurnEnd)] == [(0, (0, 1)), (1, (2, 2))]


def test_a_final_with_another_text_takes_the_promise_back() -> None:
    link, engine = opened()
    engine.maybe("w0 or so")
    engine.final(500)
    engine.end("model")
    assert told(link) == [("maybe", "w0 or so"), ("final", "w0"), ("resumed", ""), ("maybe", "w0"), ("end", "w0")]


def test_a_segment_that_is_lost_takes_the_promise_back() -> None:
    link, engine = opened()
    engine.final(300)
    engine.maybe("w1")
    engine.say(link.server.segment_failed, 600, "a fault")
    engine.end("timeout")
    assert told(link)[1:] == [("maybe", "w0 w1"), ("resumed", ""), ("end", "w0")]


def test_only_a_judgement_needs_a_promise() -> None:
    for trigger in ("model", "silence", "manual", "timeout"):
        link, engine = opened()
        engine.final(500)
        engine.end(trigger)
        promised = [] if trigger in UNPROMISED else [("maybe", "w0")]
        assert told(link)[1:] == [*promised, ("end", "w0")]


def test_an_empty_turn_is_not_told_and_nothing_is_said_twice() -> None:
    link, engine = opened()
    engine.end("timeout")
    engine.resumed()
    engine.maybe("w0")
    engine.maybe("w0")
    engine.final(500)
    engine.end("model")
    engine.end("model")
    assert told(link) == [("maybe", "w0"), ("final", "w0"), ("end", "w0")]


def test_a_flush_ends_the_turn_before_its_answer() -> None:
    link, engine = opened()
    engine.final(300)
    link.route("client", link.client.end_turn("f1", now=link.now))
    link.settle_wire()
    engine.final(1_000)
    engine.say(link.server.flushed, "f1", 1_000)
    assert told(link) == [("final", "w0"), ("final", "w1"), ("end", "w0 w1"), ("flushed", "")]
    assert link.of(TurnEnd)[0].trigger == "manual"


def test_a_flush_with_nothing_to_decide_ends_the_turn_too() -> None:
    link, engine = opened()
    engine.final(1_000)
    for flush_id in ("f1", "f2"):
        link.route("client", link.client.end_turn(flush_id, now=link.now))
    assert told(link) == [("final", "w0"), ("end", "w0"), ("flushed", ""), ("flushed", "")]


def test_the_end_of_input_ends_the_turn() -> None:
    link, engine = opened()
    engine.final(500)
    link.end()
    link.settle_wire()
    link.engine.accepts = True
    link.run_out()
    assert told(link)[-1] == ("end", "w0 words from 500 to 1000")
    assert link.closed.complete


def test_a_server_that_closes_without_it_is_not_complete() -> None:
    link, engine = opened()
    engine.final(1_000)
    link.server._snapshot = engine.s._replace(detects_turns=False)
    link.engine.accepts = True
    link.end()
    link.run_out()
    assert link.closed.complete is False
    assert "turn 0 was not ended" in link.closed.message


def test_a_turn_that_has_become_too_long_is_ended() -> None:
    link, engine = opened()
    for number in range(3):
        engine.final(100 * (number + 1), "x" * (LONGEST_TEXT // 3 + 1))
    engine.final(900)
    ends = link.of(TurnEnd) if link.settle_wire() is None else []
    assert [(end.segments, end.trigger) for end in ends] == [((0, 2), "timeout")]


@pytest.mark.parametrize("detector", [None, "x"])
@pytest.mark.parametrize("asked", [False, True])
def test_nothing_is_told_that_nobody_asked_for_or_nobody_can_tell(detector: str | None, *, asked: bool) -> None:
    link = Link(config=Start(features=Features(turns=asked)))
    engine = Engine(link)
    link.settle_wire()
    engine.say(link.server.accept, "s1", ServerInfo(name="x", turn_detector=detector))
    link.send(1_000)
    link.settle_wire()
    engine.maybe("w0")
    engine.final(500)
    engine.end("model")
    assert (len(told(link)) > 1) == (asked and detector is not None)


def test_a_client_ignores_what_it_did_not_ask_for() -> None:
    link, engine = opened(Start())
    engine.final(500)
    link.settle_wire()
    end = {"turn": 7, "segments": [3, 3], "text": "", "at": 0, "time": 0, "trigger": "model"}
    frame = json.dumps({"type": "turn_end", "seq": engine.s.seq + 1, **end})
    link.route("client", link.client.receive(frame, now=link.now))
    assert link.client.closed is None
    assert not link.of(TurnEnd)


def test_a_restart_begins_the_turn_anew_and_counts_on() -> None:
    link, engine = opened(resumable=True)
    engine.final(300)
    engine.end("timeout")
    engine.final(600)
    engine.maybe(None)
    link.settle_wire()
    link.restarted = True
    link.break_connection()
    for _ in range(50):
        link.pass_time(0.1)
        link.settle()
    link.end()
    link.run_out()
    assert [(end.turn, end.segments[0]) for end in link.of(TurnEnd)] == [(0, 0), (1, 2)]
    assert link.closed.complete, link.closed


# ---------------------------------------------------------------------------- the promise, whatever happens

MOVES = (
    "audio", "audio", "skip", "flush", "end turn", "mark", "language", "turns", "cut",
    "partial", "final", "final", "failed", "maybe", "maybe", "maybe other", "maybe closed", "resumed",
    "end model", "end silence", "end manual", "end timeout", "answer", "answer", "progress",
)  # fmt: skip


class Conversation:
    """Plays moves; what is not legal at that moment is left out."""

    def __init__(self) -> None:
        self.link = ready(config=ASKED, resumable=True)
        self.engine = Engine(self.link)
        self.asked = 0
        self.turns = True
        self.refused: list[str] = []

    def play(self, move: str) -> None:
        try:
            self._client(move) if move in MOVES[:9] else self._engine(move)
        except LocalProtocolError as refusal:
            self.refused.append(str(refusal))
        self.link.settle_wire()

    def _client(self, move: str) -> None:
        link, client = self.link, self.link.client
        self.asked += 1
        match move:
            case "audio":
                link.send(200)
            case "skip":
                link.route("client", client.skip(100, now=link.now))
            case "flush":
                link.flush(f"f{self.asked}")
            case "end turn":
                link.route("client", client.end_turn(f"e{self.asked}", now=link.now))
            case "mark":
                link.route("client", client.mark(f"m{self.asked}", now=link.now))
            case "language":
                link.route("client", client.configure(f"c{self.asked}", {"language": "de"}, now=link.now))
            case "turns":
                self.turns = not self.turns
                change = {"features": {"turns": self.turns}}
                link.route("client", client.configure(f"c{self.asked}", change, now=link.now))
            case "cut":
                link.break_connection()
                link.settle_wire()
                link.pass_time(6.0)
                link.settle_wire()

    def _engine(self, move: str) -> None:
        link, engine, s = self.link, self.engine, self.engine.s
        to = min([s.received, *(flush.at for flush in s.flushes if flush.exact), *(change.at for change in s.changes)])
        match move.split():
            case ["partial"]:
                engine.say(link.server.partial, f"w{s.segment}", start_s=0.0, end_s=0.1, pause_s=0.3)
            case ["final"]:
                engine.final(to)
            case ["failed"]:
                engine.say(link.server.segment_failed, to, "a fault")
            case ["maybe"]:
                engine.maybe(f"w{s.segment}")
            case ["maybe", "other"]:
                engine.maybe("other")
            case ["maybe", "closed"]:
                engine.maybe(None)
            case ["resumed"]:
                engine.resumed()
            case ["end", trigger]:
                engine.end(trigger)
            case ["progress"]:
                engine.say(link.server.progress, s.received)
            case ["answer"] if s.flushes and (not s.changes or s.flushes[0].at <= s.changes[0].at):
                engine.say(link.server.flushed, s.flushes[0].id, max(s.flushes[0].at, s.committed))
            case ["answer"] if s.changes:
                engine.say(link.server.configured, s.changes[0].id)

    def finish(self) -> None:
        self.link.end()
        for _ in range(40):
            self.play("answer")
        self.link.settle_wire()
        if self.link.server.closed is None:
            self.engine.say(self.link.server.progress, self.engine.s.received)
            self.engine.say(self.link.server.finish)
        self.link.run_out()


def holds(events: list[Any]) -> None:
    """The promise, told from the events of a client alone."""
    finals: list[Final] = []
    ends: list[TurnEnd] = []
    promised: str | None = None
    turns = True
    for event in events:
        match event:
            case Final():
                finals.append(event)
            case Configured(effective=effective):
                if effective["features"]["turns"] != turns:  # type: ignore[index]
                    turns, finals, promised = not turns, [], None
            case TurnMaybeEnd():
                assert promised is None
                assert event.text.startswith(" ".join(final.text for final in finals))
                promised = event.text
            case TurnResumed():
                assert promised is not None
                promised = None
            case TurnEnd():
                assert finals
                assert event.text == " ".join(final.text for final in finals)
                assert event.segments == (finals[0].segment, finals[-1].segment)
                assert promised == event.text or (promised is None and event.trigger in UNPROMISED)
                ends.append(event)
                finals, promised = [], None
    assert not (turns and finals), "every final belongs to a turn"
    assert all(before.at <= after.at and after.turn == before.turn + 1 for before, after in pairwise(ends))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(MOVES), min_size=5, max_size=60))
def test_a_turn_is_its_finals_and_what_was_promised(moves: list[str]) -> None:
    conversation = Conversation()
    for move in moves:
        conversation.play(move)
        if conversation.link.server.closed is not None:
            return  # too many utterances have failed
    conversation.finish()
    closed = conversation.link.closed
    assert closed.reason == "completed", closed
    holds(conversation.link.client_events)
    broken = [why for why in conversation.refused if "O11" in why]
    assert not broken, "the server's own side keeps the promise, whatever its engine says"
