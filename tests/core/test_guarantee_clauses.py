"""The guarantees: every clause of every one has a lie of its own, which passes as soon as that clause is gone."""

import ast
import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from types import CodeType
from typing import Any, NamedTuple

import pytest

from auricle.core import LocalProtocolError, guarantees
from auricle.core.schema import LAST_POSITION
from auricle.core.turn import LONGEST_TEXT, MaybeEnd, Turn
from core.link import Link
from core.test_guarantees import FINAL, durable, final, streaming

Prepare = Callable[[Link], object]
SOURCE = inspect.getsource(guarantees)


class Lie(NamedTuple):
    """What a server could say, and the reason for which it must be found. ``frame`` None: `prepare` says it itself."""

    why: str
    frame: str
    prepare: Prepare = lambda _link: None


def ack(**changes: int) -> str:
    marks = {"received": 1000, "processed": 1000, "committed": 400, "credit": 480_000, "discard_before": 0}
    return json.dumps({"type": "ack", **marks, **changes})


def partial(**changes: Any) -> str:
    fields = {"segment": 1, "rev": 2, "text": "words so far", "start": 0, "end": 1, "stable": 5}
    return json.dumps({"type": "partial", **fields, **changes})


def asked(link: Link) -> None:
    """Two flushes and two changes are open, at 1000 and 1100 samples."""
    for number in ("1", "2"):
        link.flush(f"f{number}")
        link.route("client", link.client.configure(f"c{number}", {"language": "de"}, now=link.now))
        link.send(100)
    link.settle()


def last_segment(link: Link) -> None:
    link.client._snapshot = link.client.snapshot._replace(segment=LAST_POSITION)


def lost(begin: int, end: int) -> str:
    return durable("error", code="engine_failed", message="x", fatal=False, audio=[begin, end])


def turn(link: Link, **changes: Any) -> None:
    """Turns are told; the open one has the final that there is."""
    spoken = Turn(text="first", spoken_until=100, at=50)._replace(**changes)
    for session in (link.client, link.server):
        s = session.snapshot
        features = replace(s.config.features, turns=True)
        session._snapshot = s._replace(config=replace(s.config, features=features), turn=spoken)


def ending(**changes: Any) -> Prepare:
    """The same, and its end is promised, with what comes next in it."""
    return lambda link: turn(link, maybe=MaybeEnd("first and more", 1), **changes)


def speakers(link: Link) -> None:
    """Speakers are told; the segment that there is has its final."""
    for session in (link.client, link.server):
        s = session.snapshot
        features = replace(s.config.features, speakers=True)
        session._snapshot = s._replace(config=replace(s.config, features=features))


def annotate(*spans: tuple[float, float], segment: int = 0) -> str:
    said = [{"speaker": "A", "start": start, "end": end} for start, end in spans]
    return durable("annotate", segment=segment, speakers=said)


def maybe(**changes: Any) -> str:
    fields = {"turn": 0, "segments": [0, 1], "text": "first and more", "at": 500, "time": 0.1}
    return durable("turn_maybe_end", **{**fields, **changes})


def turn_end(**changes: Any) -> str:
    fields = {"turn": 0, "segments": [0, 0], "text": "first", "at": 500, "time": 0.1, "trigger": "manual"}
    return durable("turn_end", **{**fields, **changes})


LIES = (
    Lie("watermarks are out of order", ack(processed=1001)),
    Lie("samples sent", ack(received=2000, processed=2000)),
    Lie("credit went back", ack(credit=470_000)),
    Lie("but finals and answers cover 400", ack(committed=500)),
    Lie("cannot be discarded", ack(discard_before=1001)),
    Lie("starts and ends in turn", durable("speech_end", at=500, time=0.1)),
    Lie("go forward", durable("speech_start", at=100, time=0.1)),
    Lie("beyond the audio", durable("speech_start", at=5000, time=0.1)),
    Lie("partial of segment 0", partial(segment=0, rev=9)),
    Lie("rev must grow", partial(rev=1)),
    Lie("repeats the one before", partial(text="words so")),
    Lie("stable is longer", partial(stable=99)),
    Lie("promised as stable has changed", partial(text="other words")),
    Lie("start lies behind end", partial(start=2)),
    Lie("final of segment 2", final(segment=2)),
    Lie("the last that can be numbered", final(segment=LAST_POSITION), last_segment),
    Lie("audio from 500", final(audio=[500, 900])),
    Lie("audio 400-5000", final(audio=[400, 5000])),
    Lie("start lies behind end", final(start=2)),
    Lie("promised as stable has changed", final(text="other")),
    Lie("flush 'f1' comes first", durable("flushed", id="f2", upto=1100), asked),
    Lie("upto 900", durable("flushed", id="f1", upto=900), asked),
    Lie("upto 5000", durable("flushed", id="f1", upto=5000), asked),
    Lie("change 'c1' comes first", durable("configured", id="c2", **{"from": 1100}), asked),
    Lie("from 900", durable("configured", id="c1", **{"from": 900}), asked),
    Lie("from 5000", durable("configured", id="c1", **{"from": 5000}), asked),
    Lie("received 2000 of 1000 sent", durable("input_ended", received=2000, by="client"), Link.end),
    Lie("audio lost from 500", lost(500, 900)),
    Lie("audio 400-400", lost(400, 400)),
    Lie("segment 1 has no final that was said", annotate((0, 1), segment=1), speakers),
    Lie("somebody stops before they begin", annotate((2, 1)), speakers),
    Lie("one after another", annotate((0, 2), (1, 3)), speakers),
    Lie("has not ended", final(), lambda link: turn(link, text="x" * (LONGEST_TEXT + 1))),
    Lie("has perhaps ended already", maybe(), ending()),
    Lie("begins with segment 0", maybe(segments=[1, 1]), turn),
    Lie("segments up to 2", maybe(segments=[0, 2]), turn),
    Lie("the text of a turn is that of its finals", maybe(text="more"), turn),
    Lie("has not perhaps ended", durable("turn_resumed", turn=0, at=500, time=0.1), turn),
    Lie("has no final", turn_end(segments=[1, 0], text=""), lambda link: turn(link, first=1, text="")),
    Lie("segments (0, 1) of a turn", turn_end(segments=[0, 1]), turn),
    Lie("the text of a turn is that of its finals", turn_end(text="other"), turn),
    Lie("without turn_maybe_end", turn_end(trigger="model"), turn),
    Lie("another text than turn_maybe_end said", turn_end(), ending()),
    Lie("turn 1, open is 0", turn_end(turn=1), turn),
    Lie("a turn at 5000", turn_end(at=5000), turn),
)


def found(lie: Lie) -> str:
    """Return what a client finds wrong, or nothing."""
    link = streaming()
    lie.prepare(link)
    link.route("client", link.client.receive(lie.frame, now=link.now))
    closed = link.client.closed
    return closed.message if closed is not None and closed.reason == "violation" else ""


def across_a_flush(link: Link) -> None:
    link.flush("f1")
    link.send(500)
    link.settle()
    link.server.final("words", end_sample=1_200, now=0.0, **FINAL)  # type: ignore[arg-type]


def across_a_change(link: Link) -> None:
    link.route("client", link.client.configure("c1", {"language": "de"}, now=link.now))
    link.send(500)
    link.settle()
    link.server.final("words", end_sample=1_200, now=0.0, **FINAL)  # type: ignore[arg-type]


CALLS: dict[str, Prepare] = {"for a flush": across_a_flush, "for a change": across_a_change}
"""What only a server can know of itself: it must not decide across what it was asked."""


def refused(call: Prepare) -> str:
    try:
        call(streaming())
    except LocalProtocolError as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.why)
def test_a_lie_is_found_for_its_own_reason(lie: Lie) -> None:
    assert lie.why in found(lie)


@pytest.mark.parametrize("why", CALLS)
def test_a_decision_across_a_question_is_refused_for_its_own_reason(why: str) -> None:
    assert why in refused(CALLS[why])


def clauses(tree: ast.AST) -> list[ast.Expr]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "_require"
    ]


def code_without(number: int) -> tuple[str, CodeType]:
    """Return the name of the function with this clause, and its code without it."""
    tree = ast.parse(SOURCE)
    clause = clauses(tree)[number]
    (function,) = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any(each is clause for each in ast.walk(node))
    ]
    clause.value = ast.Constant(value=None)
    names: dict[str, Any] = dict(vars(guarantees))
    exec(compile(ast.fix_missing_locations(tree), "<a clause less>", "exec"), names)
    return function.name, names[function.name].__code__


@pytest.mark.parametrize(
    "number", range(len(clauses(ast.parse(SOURCE)))), ids=lambda n: ast.unparse(clauses(ast.parse(SOURCE))[n])[9:70]
)
def test_no_clause_can_be_missed(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    name, code = code_without(number)
    monkeypatch.setattr(getattr(guarantees, name), "__code__", code)
    believed = [lie.why for lie in LIES if lie.why not in found(lie)]
    believed += [why for why, call in CALLS.items() if why not in refused(call)]
    assert believed, "no lie needs this clause"
