"""Conversations to be recorded: each plays one on the two-core harness and returns its tapes, the client's first."""

from collections.abc import Sequence

import pytest

from auricle.core import Limits, LocalProtocolError, Start
from auricle.core.parts import AudioFormat, Bias, Features
from core.link import Link, ready
from core.tapes import Tape, rolling

TOKENS = ("the-first-resume-token", "the-second-resume-token")


def flush_and_end() -> list[Tape]:
    """A refused verb, a ping, a failed utterance, half a sample at the end, text that needs care."""
    with rolling() as tapes:
        link = Link(config=Start(language="de", bias=Bias(terms=("Straße", "\u2028"), prompt="naïve \x85 \x1b[31m")))
        link.settle()
        link.send(2_500)
        link.settle()
        link.flush("f1")
        link.settle()
        with pytest.raises(LocalProtocolError):
            link.flush("f1")
        link.pass_time(25.0)
        link.settle()
        link.send_bytes(601)
        link.settle()
        link.engine.fail_utterance()
        link.end()
        link.run_out()
    return tapes


def comes_back(framing: str = "raw", tokens: Sequence[str] = TOKENS) -> list[Tape]:
    """A gap, a mark, a change of configuration; the connection breaks, and the client comes back."""
    with rolling() as tapes:
        link = Link(config=Start(audio=AudioFormat(framing=framing)), resumable=True)
        link.tokens = iter(tokens)
        link.settle()
        link.send(1_500)
        link.route("client", link.client.skip(300, now=link.now))
        link.route("client", link.client.mark("m1", now=link.now))
        link.send(500)
        link.route("client", link.client.configure("c1", {"bias": {"terms": ["Straße"]}}, now=link.now))
        link.settle_wire()
        link.send(200)
        link.break_connection()
        link.settle_wire()
        link.pass_time(5.0)
        link.settle()
        link.send(700)
        link.end()
        link.run_out()
        assert link.closed.complete, link.closed
    return tapes


def begins_anew() -> list[Tape]:
    """The connection breaks, the server has forgotten everything, and a new session continues the timeline."""
    with rolling() as tapes:
        link = Link(resumable=True)
        link.settle()
        link.send(1_500)
        link.settle()
        link.restarted = True
        link.break_connection()
        for _ in range(100):
            link.pass_time(0.1)
            link.settle()
        link.send(700)
        link.end()
        link.run_out()
        assert link.closed.complete, link.closed
    return tapes


def cut_behind_credit() -> list[Tape]:
    """Audio waits for credit when the connection breaks; the server has offered no resume."""
    with rolling() as tapes:
        link = ready(limits=Limits(window_s=0.1, prebuffer_s=0.05))
        link.send(4_000)
        link.settle_wire()
        link.pass_time(1.0)
        link.settle_wire()
        link.break_connection()
        link.run_out()
    return tapes


def shutdown_crosses_end() -> list[Tape]:
    """The server ends the input while the client's end of it is on its way."""
    with rolling() as tapes:
        link = ready()
        link.send(1_500)
        link.settle()
        link.send(800)
        link.settle_wire()
        link.route("server", link.server.stop_input("shutdown", now=link.now))
        link.end()
        link.run_out()
    return tapes


def promises_a_turn() -> list[Tape]:
    """A promise that the finals do not keep, one that they do, a flush that ends the turn, and the end of input."""
    with rolling() as tapes:
        link = ready(config=Start(features=Features(turns=True)))
        server = link.server
        link.send(1_500)
        link.settle()
        for open_text in ("something else", "words from 1000 to 2000"):
            link.route("server", server.turn_maybe_end(open_text, at_sample=1_200, confidence=0.8, now=link.now))
            link.route("server", server.turn_resumed(1_400, now=link.now))
        link.route("server", server.turn_maybe_end("words from 1000 to 2000", at_sample=1_500, now=link.now))
        link.send(500)
        link.settle()
        link.route("server", server.turn_end("model", at_sample=1_900, confidence=0.9, now=link.now))
        link.send(700)
        link.route("client", link.client.end_turn("f1", now=link.now))
        link.send(300)
        link.end()
        link.run_out()
        assert link.closed.complete, link.closed
    return tapes
