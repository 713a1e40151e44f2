"""A wrong call by an engine raises and sends nothing; the same message forged on the wire is a violation."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from auricle.core import LocalProtocolError, Partial, ServerInfo, ServerSession
from auricle.core.session import Outputs
from core.link import Link

FINAL = {"start_s": 0.0, "end_s": 0.1, "confidence": 1.0, "reason": "endpoint"}
Call = Callable[[ServerSession], Outputs]


def streaming() -> Link:
    """1000 samples received and heard, a partial promised "words", 400 of them committed by a first final."""
    link = Link()
    link.settle()
    link.engine.accepts = False
    link.send(1_000)
    link.settle()
    server = link.server
    for outputs in (
        server.progress(1_000, now=0.0),
        server.speech_start(0, now=0.0),
        server.final("first", end_sample=400, now=0.0, **FINAL),  # type: ignore[arg-type]
        server.speech_end(300, now=0.0),
        server.partial("words so", start_s=0.0, end_s=0.1, stable=5, now=0.0),
    ):
        link.route("server", outputs)
    link.settle()
    return link


def test_o5_a_partial_that_tells_of_a_pause_may_repeat_the_text_and_others_may_not() -> None:
    link = streaming()
    for pause_s, text in ((None, "words so"), (0.3, "words so"), (0.3, "words so"), (None, "words so")):
        link.route("server", link.server.partial(text, start_s=0.0, end_s=0.1, pause_s=pause_s, now=0.0))
    link.settle()
    heard = [event for event in link.client_events if isinstance(event, Partial)]
    assert [partial.pause for partial in heard] == [None, 0.3, 0.3]


WRONG_CALLS: dict[str, Call] = {
    "finish before the end of input": lambda s: s.finish(now=0.0),
    "O3 a final over nothing": lambda s: s.final("words", end_sample=400, now=0.0, **FINAL),  # type: ignore[arg-type]
    "O3 a final that goes back": lambda s: s.final("words", end_sample=300, now=0.0, **FINAL),  # type: ignore[arg-type]
    "O3 a final beyond the audio": lambda s: s.final("words", end_sample=1_001, now=0.0, **FINAL),  # type: ignore[arg-type]
    "O5 a final that breaks a promise": lambda s: s.final("other", end_sample=900, now=0.0, **FINAL),  # type: ignore[arg-type]
    "O5 a partial that breaks a promise": lambda s: s.partial("word", start_s=0.0, end_s=0.1, now=0.0),
    "O5 stable beyond the text": lambda s: s.partial("words", start_s=0.0, end_s=0.1, stable=6, now=0.0),
    "O5 start behind end": lambda s: s.partial("words", start_s=0.2, end_s=0.1, now=0.0),
    "O6 an answer nobody asked for": lambda s: s.flushed("f9", 500, now=0.0),
    "O8 a speech end without a start": lambda s: s.speech_end(500, now=0.0),
    "O8 speech beyond the audio": lambda s: s.speech_start(1_001, now=0.0),
    "O8 speech that goes back": lambda s: s.speech_start(100, now=0.0),
    "O12 processed beyond received": lambda s: s.progress(1_001, now=0.0),
    "a loss that goes back": lambda s: s.segment_failed(100, "failed", now=0.0),
    "a probability above one": lambda s: s.final("words", end_sample=900, now=0.0, **FINAL | {"confidence": 1.2}),
    "a time before the session": lambda s: s.partial("words x", start_s=-1.0, end_s=0.1, now=0.0),
    "half a surrogate pair": lambda s: s.partial("words \ud800", start_s=0.0, end_s=0.1, now=0.0),
    "an error nobody knows": lambda s: s.fail("bad_luck", "why not", now=0.0),
    "ready twice": lambda s: s.accept("again", s_info(), now=0.0),
    "loading after ready": lambda s: s.loading("late", now=0.0),
}


def s_info() -> ServerInfo:
    return ServerInfo(name="x")


def guarantee_of(name: str) -> str:
    """What a refusal must name; what the rule table refuses says its own why."""
    return name.split()[0] + ":" if name[0] == "O" else ""


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_a_wrong_call_raises_changes_nothing_and_sends_nothing(name: str) -> None:
    link = streaming()
    before, sent = link.server.snapshot, len(link.to_client)
    with pytest.raises(LocalProtocolError, match=guarantee_of(name) or None):
        WRONG_CALLS[name](link.server)
    assert link.server.snapshot == before
    assert len(link.to_client) == sent


def test_a_client_that_makes_a_message_no_message_raises_too() -> None:
    link = streaming()
    before = link.client.snapshot
    with pytest.raises(LocalProtocolError, match="at most 64 characters"):
        link.flush("x" * 65)
    assert link.client.snapshot == before


def test_an_unchanged_partial_is_not_repeated() -> None:
    link = streaming()
    assert link.server.partial("words so", start_s=0.0, end_s=0.2, now=0.0) == ()


def test_a_final_must_be_cut_at_a_flush() -> None:
    link = streaming()
    link.flush("f1")
    link.send(500)
    link.settle()
    with pytest.raises(LocalProtocolError, match="O6"):
        link.server.final("words", end_sample=1_200, now=0.0, **FINAL)  # type: ignore[arg-type]


def test_flushes_are_answered_in_order() -> None:
    link = streaming()
    link.flush("f1")
    link.send(100)
    link.flush("f2")
    link.settle()
    with pytest.raises(LocalProtocolError, match="comes first"):
        link.server.flushed("f2", 1_100, now=0.0)
    with pytest.raises(LocalProtocolError, match="upto"):
        link.server.flushed("f1", 900, now=0.0)


def test_speech_must_have_ended_when_the_session_does() -> None:
    link = streaming()
    link.end()
    while link.deliver("server"):
        pass
    link.route("server", link.server.speech_start(500, now=0.0))
    with pytest.raises(LocalProtocolError, match="O9"):
        link.server.finish(now=0.0)


def durable(kind: str, seq: int = 5, **fields: Any) -> str:
    return json.dumps({"type": kind, "seq": seq, **fields})


def final(**changes: Any) -> str:
    fields = {"segment": 1, "text": "words", "start": 0, "end": 1, "confidence": 1, "audio": [400, 900]}
    return durable("final", **{**fields, "reason": "endpoint", **changes})


STATS = {"received": 1000, "processed": 1000, "committed": 1000}
FORGED = {
    "O1 a gap": durable("warning", seq=6, code="x", message="x"),
    "O1 a repeat": durable("warning", seq=4, code="x", message="x"),
    "O1 a gap in an unknown event": durable("sentiment", seq=7),
    "O3 a segment skipped": final(segment=2),
    "O3 a segment again": final(segment=0),
    "O3 audio skipped": final(audio=[500, 900]),
    "O3 audio again": final(audio=[0, 900]),
    "O3 audio never sent": final(audio=[400, 5000]),
    "O3 no audio": final(audio=[400, 400]),
    "O5 a broken promise": final(text="other"),
    "O5 the same partial": json.dumps(
        {"type": "partial", "segment": 1, "rev": 2, "text": "words so", "start": 0, "end": 1}
    ),
    "O5 rev back": json.dumps({"type": "partial", "segment": 1, "rev": 1, "text": "words x", "start": 0, "end": 1}),
    "O5 an old segment": json.dumps(
        {"type": "partial", "segment": 0, "rev": 9, "text": "words old", "start": 0, "end": 1}
    ),
    "O6 nobody asked": durable("flushed", id="f9", upto=500),
    "O8 speech ends twice": durable("speech_end", at=500, time=0.1),
    "input ended unasked": durable("input_ended", received=1000, by="client"),
    "O12 more committed than told": json.dumps(
        {"type": "ack", "received": 1000, "processed": 1000, "committed": 900, "credit": 480000, "discard_before": 0}
    ),
    "O12 credit back": json.dumps(
        {"type": "ack", "received": 1000, "processed": 1000, "committed": 400, "credit": 1000, "discard_before": 0}
    ),
    "O12 received more than sent": json.dumps(
        {"type": "ack", "received": 2000, "processed": 1000, "committed": 400, "credit": 490000, "discard_before": 0}
    ),
    "ready twice": durable("ready", session="s", credit=480000),
    "loading after ready": json.dumps({"type": "loading", "stage": "x"}),
    "no message": "[]",
}


@pytest.mark.parametrize("name", FORGED)
def test_the_same_on_the_wire_is_a_violation(name: str) -> None:
    link = streaming()
    assert link.client.snapshot.seq == 4
    link.route("client", link.client.receive(FORGED[name], now=0.0))
    assert (link.closed.reason, link.closed.code, link.closed.complete) == ("violation", 1002, False)
    assert guarantee_of(name) in link.closed.message, "for the reason it was forged for"
    link.run_out()


@pytest.mark.parametrize(
    ("stats", "why"),
    [
        (STATS, "1 of 0 finals"),
        ({**STATS, "segments": 2}, "1 of 2 finals"),
        ({**STATS, "segments": 1}, "do not add up"),
        ({**STATS, "segments": 1, "received": 900, "processed": 900, "committed": 900}, "received 900 of 1000"),
        ({**STATS, "segments": 1, "committed": 900}, "900 of 1000 samples are committed"),
        ({**STATS, "segments": 1, "dropped": 10, "non_speech": 590}, "lost to engine failures"),
        ({**STATS, "segments": 1, "non_speech": 600}, None),
    ],
)
def test_a_claim_of_completeness_is_checked(stats: dict[str, int], why: str | None) -> None:
    link = streaming()
    link.end()
    link.route("client", link.client.receive(durable("input_ended", received=1000, by="client"), now=0.0))
    closed = durable("closed", seq=6, reason="completed", code=1000, complete=True, stats=stats)
    link.route("client", link.client.receive(closed, now=0.0))
    assert link.closed.complete is (why is None)
    assert why is None or why in link.closed.message


def test_a_server_that_says_incomplete_is_believed() -> None:
    link = streaming()
    link.end()
    link.route("client", link.client.receive(durable("input_ended", received=1000, by="client"), now=0.0))
    stats = {**STATS, "segments": 1, "non_speech": 600}
    closed = durable("closed", seq=6, reason="completed", code=1000, complete=False, stats=stats)
    link.route("client", link.client.receive(closed, now=0.0))
    assert link.closed.complete is False
