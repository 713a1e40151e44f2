"""Conversations to be recorded: each plays one on the two-core harness and returns its tapes, the client's first."""

import pytest

from auricle.core import PROTOCOL, AdoptTransport, Limits, LocalProtocolError, ServerInfo, Start, Transmit
from auricle.core.events import AudioReceived, ConfigureRequested
from auricle.core.greeting import read_greeting
from auricle.core.parts import AudioFormat, Bias
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


def comes_back(framing: str = "raw", token: str = TOKENS[0], fresh: str = TOKENS[1]) -> list[Tape]:
    """A gap, a mark, a change of configuration; the connection breaks, and the client comes back."""
    with rolling() as tapes:
        link = Link(config=Start(audio=AudioFormat(framing=framing)))
        link.settle_wire()
        link.engine.todo.clear()
        ready = link.server.accept("s1", ServerInfo(name="deterministic"), now=0.0, resume_token=token)
        link.route("server", ready)
        link.settle()
        link.send(1_500)
        link.route("client", link.client.skip(300, now=link.now))
        link.route("client", link.client.mark("m1", now=link.now))
        link.send(500)
        link.route("client", link.client.configure("c1", {"bias": {"terms": ["Straße"]}}, now=link.now))
        link.settle_wire()
        come_back(link, fresh)
        answer_changes(link)
        link.settle()
        link.send(700)
        link.end()
        link.run_out()
        assert link.closed.complete, link.closed
    return tapes


def come_back(link: Link, fresh: str) -> None:
    """Cut the wire while audio is on its way, and resume on another one."""
    link.send(200)
    link.opens = False
    for channel in (link.to_server, link.to_client):
        channel.clear()
    for side in ("client", "server"):
        link.route(side, link.session(side).transport_lost("reset", 1006, now=link.now))  # type: ignore[arg-type]
    link.pass_time(5.0)
    (resume,) = link.client.transport_opened(PROTOCOL, now=link.now)
    assert isinstance(resume, Transmit)
    greeting = read_greeting(resume.frame, link.limits)
    assert greeting is not None
    welcome = link.server.attach(greeting, fresh_token=fresh, now=link.now)
    link.route("server", tuple(output for output in welcome if not isinstance(output, AdoptTransport)))
    link.settle_wire()


def answer_changes(link: Link) -> None:
    """Do for a change of configuration what the deterministic engine does for a flush."""
    for event in list(link.engine.todo):
        if isinstance(event, ConfigureRequested):
            while link.engine.todo and isinstance(link.engine.todo[0], AudioReceived):
                link.engine.work()
            if link.server.snapshot.committed < event.at_sample:
                link.engine.final(event.at_sample, "endpoint")
            link.route("server", link.server.configured(event.id, now=link.now))


def cut_behind_credit() -> list[Tape]:
    """Audio waits for credit when the connection breaks; nothing was offered to resume."""
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
