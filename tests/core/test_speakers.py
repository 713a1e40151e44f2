"""Who speaks is told behind the finals (O4): of any that has been said, as often as it changes, and never in them."""

from typing import Any

import pytest

from auricle.core import Annotate, Features, Final, LocalProtocolError, ServerInfo, SpeakerSpan, Start, State
from core.link import Link, ready

ASKED = Start(features=Features(speakers=True))
A, B = (SpeakerSpan(speaker=name, start=0.0, end=0.1) for name in "AB")


def opened(config: Start = ASKED, **arguments: Any) -> Link:
    link = ready(config=config, **arguments)
    link.engine.accepts = False
    link.send(1_000)
    link.settle()
    return link


def final(link: Link, end: int) -> None:
    said = link.server.final(
        "words", end_sample=end, start_s=0.0, end_s=0.1, confidence=1.0, reason="endpoint", now=link.now
    )
    link.route("server", said)


def annotate(link: Link, segment: int, *spans: SpeakerSpan) -> None:
    link.route("server", link.server.annotate(segment, spans, now=link.now))


def told(link: Link) -> list[Any]:
    link.settle_wire()
    return [
        event.segment if isinstance(event, Final) else (event.segment, "".join(span.speaker for span in event.speakers))
        for event in link.client_events
        if isinstance(event, Final | Annotate)
    ]


def test_what_is_told_later_replaces_what_was_told_before() -> None:
    link = opened()
    final(link, 300)
    annotate(link, 0, A)
    final(link, 600)
    annotate(link, 1, B)
    annotate(link, 0, B)
    annotate(link, 1)
    assert told(link) == [0, (0, "A"), 1, (1, "B"), (0, "B"), (1, "")]
    assert link.client.state is State.STREAMING


@pytest.mark.parametrize("segment", [1, 7])
def test_what_has_no_final_cannot_be_spoken_of(segment: int) -> None:
    link = opened()
    final(link, 300)
    with pytest.raises(LocalProtocolError, match="O4"):
        annotate(link, segment, A)
    assert told(link) == [0]


def test_who_did_not_ask_is_not_told() -> None:
    link = opened(Start())
    final(link, 300)
    annotate(link, 0, A)
    assert told(link) == [0]


def test_a_server_that_names_nothing_that_tells_speakers_tells_none() -> None:
    link = Link(config=ASKED)
    link.engine.accepts = False
    link.settle_wire()
    link.route("server", link.server.accept("s1", ServerInfo(name="deaf to voices"), now=link.now))
    link.send(1_000)
    link.settle()
    final(link, 300)
    annotate(link, 0, A)
    assert told(link) == [0]


def test_it_is_told_between_the_end_of_input_and_the_end() -> None:
    link = opened()
    final(link, 1_000)
    link.end()
    link.settle()
    annotate(link, 0, A)
    link.route("server", link.server.finish(now=link.now))
    assert told(link) == [0, (0, "A")]
    assert link.closed is not None
    assert link.closed.complete
