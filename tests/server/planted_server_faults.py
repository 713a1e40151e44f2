"""Our server with one fault: between what it means and what it says, what it is told and what it hears, or within."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import trio
from wsproto import frame_protocol

from auricle.core import server_recovery, server_send
from auricle.server import app
from auricle.server.http import negotiation
from auricle.transports.trio.websocket import WebSocketWire

Message = dict[str, Any]
Says = Callable[["Liar", Message], list[Message]]
Hears = Callable[["Liar", Message | bytes], list[Message | bytes]]


class Liar(WebSocketWire):
    """A wire of our server, with a fault in it. Attributes of its own are for faults that remember something."""

    says: Says = staticmethod(lambda _, message: [message])
    hears: Hears = staticmethod(lambda _, message: [message])
    close_code: int | None = None
    hangs_up = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.memory: list[Any] = []
        self._heard: list[Message | bytes] = []

    async def send(self, frame: str | bytes) -> None:
        assert isinstance(frame, str)
        for message in type(self).says(self, json.loads(frame)):
            await super().send(json.dumps(message))

    async def receive(self) -> str | bytes:
        while not self._heard:
            frame = await super().receive()
            self._heard += type(self).hears(self, frame if isinstance(frame, bytes) else _read(frame))
        message = self._heard.pop(0)
        return message if isinstance(message, bytes) else message.get("garbage") or json.dumps(message)

    async def close(self, code: int, reason: str) -> None:
        if not self.hangs_up:
            await trio.sleep_forever()
        await super().close(self.close_code or code, reason)


def _read(frame: str) -> Message:
    try:
        body = json.loads(frame)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {"garbage": frame}


class Fault(NamedTuple):
    """``check`` is the id that has to fail, ``words`` are in its sentence."""

    check: str
    words: str
    plant: Callable[[pytest.MonkeyPatch], None]


def saying(check: str, words: str, says: Says) -> Fault:
    return Fault(check, words, lambda patch: patch.setattr(Liar, "says", says))


def hearing(check: str, words: str, hears: Hears) -> Fault:
    return Fault(check, words, lambda patch: patch.setattr(Liar, "hears", hears))


def with_(check: str, words: str, owner: object, name: str, value: object) -> Fault:
    return Fault(check, words, lambda patch: patch.setattr(owner, name, value))


# ------------------------------------------------------------------------ what is said


def changed(type_: str, **fields: Any) -> Says:
    """Change fields of every message of one type."""
    return lambda _, message: [message | fields if message["type"] == type_ else message]


def moved(type_: str, field: str, by: int) -> Says:
    """Add to a number in every message of one type."""
    return lambda _, message: [message | {field: message[field] + by} if message["type"] == type_ else message]


def without(type_: str) -> Says:
    """Leave messages of one type out."""
    return lambda _, message: [] if message["type"] == type_ else [message]


def twice(type_: str) -> Says:
    """Say messages of one type twice."""
    return lambda _, message: [message, message] if message["type"] == type_ else [message]


def counts(**stats: int) -> Says:
    """Count wrongly in ``closed.stats``."""

    def says(_: Liar, message: Message) -> list[Message]:
        if message["type"] == "closed":
            message["stats"] |= {name: max(0, message["stats"][name] + by) for name, by in stats.items()}
        return [message]

    return says


def counts_late_audio(_: Liar, message: Message) -> list[Message]:
    if message["type"] == "closed":
        message["stats"]["received"] += message["stats"]["late"]
    return [message]


def late_partial(wire: Liar, message: Message) -> list[Message]:
    if message["type"] == "partial":
        wire.memory = [message]
    return [message, *wire.memory] if message["type"] == "final" else [message]


def bold_ack(_: Liar, message: Message) -> list[Message]:
    if message["type"] == "ack":
        message |= {"received": message["received"] + 1_000_000, "credit": message["credit"] + 1_000_000}
    return [message]


def takes_credit_back(wire: Liar, message: Message) -> list[Message]:
    """Grant less than before, and late: not before half a window of credit has been heard."""
    if message["type"] in ("ready", "ack") and "credit" in message:
        wire.memory.append(message["credit"])
        if 2 * message["credit"] > 3 * wire.memory[0] and message["type"] == "ack":
            message["credit"] = wire.memory[-2] - 1
    return [message]


def loses_a_final(wire: Liar, message: Message) -> list[Message]:
    """Leave the first final out, and number what follows as if it had never been; no partial tells of it."""
    if message["type"] == "partial":
        return []
    if message["type"] == "final" and not wire.memory:
        wire.memory = ["lost"]
        return []
    if wire.memory and "seq" in message:
        message["seq"] -= 1
    if wire.memory and "segment" in message:
        message["segment"] -= 1
    return [message]


def overlapping(_: Liar, message: Message) -> list[Message]:
    if message["type"] == "final" and "audio" in message:
        message["audio"][0] -= 1 if message["segment"] else 0
    return [message]


def other_words(wire: Liar, message: Message) -> list[Message]:
    """Say other words after a return, or where a frame has ended in the middle of a sample."""
    if message["type"] == "final" and wire.memory:
        message["text"] += " indeed"
    if message["type"] == "resumed":
        wire.memory = ["returned"]
    return [message]


def forgets_what_was_missed(wire: Liar, message: Message) -> list[Message]:
    """Replay nothing: leave out the first durable message after `resumed`."""
    if wire.memory == ["returned"] and "seq" in message:
        wire.memory = []
        return []
    if message["type"] == "resumed":
        wire.memory = ["returned"]
    return [message]


def answers_too_soon(_: Liar, message: Message) -> list[Message]:
    return [message | {"upto": message["upto"] - 1} if message["type"] == "flushed" and message["upto"] else message]


# ------------------------------------------------------------------------ what is heard


def deaf(type_: str, *, after: int = 0) -> Hears:
    """Do not hear messages of one type, from one on."""

    def hears(wire: Liar, message: Message | bytes) -> list[Message | bytes]:
        if isinstance(message, bytes) or message.get("type") != type_:
            return [message]
        wire.memory.append(message)
        return [message] if len(wire.memory) <= after else []

    return hears


def mishearing(type_: str, **fields: Any) -> Hears:
    """Hear other fields in every message of one type."""
    return lambda _, message: [
        message | fields if isinstance(message, dict) and message.get("type") == type_ else message
    ]


def drops_the_first_audio(wire: Liar, message: Message | bytes) -> list[Message | bytes]:
    first = isinstance(message, bytes) and not wire.memory
    if first:
        wire.memory = [message]
    return [] if first else [message]


def drops_half_samples(_: Liar, message: Message | bytes) -> list[Message | bytes]:
    return [message[: len(message) // 2 * 2]] if isinstance(message, bytes) else [message]


def fills_half_samples(_: Liar, message: Message | bytes) -> list[Message | bytes]:
    return [message + bytes(len(message) % 2)] if isinstance(message, bytes) else [message]


def renumbers(type_: str) -> Hears:
    """Take every message of one type for a new one."""

    def hears(wire: Liar, message: Message | bytes) -> list[Message | bytes]:
        if isinstance(message, bytes) or message.get("type") != type_:
            return [message]
        wire.memory.append(message)
        return [message | {"id": f"{message['id']}-{len(wire.memory)}"}]

    return hears


def ends_at_garbage(_: Liar, message: Message | bytes) -> list[Message | bytes]:
    return [{"type": "end_of_stream"} if isinstance(message, dict) and "garbage" in message else message]


class Unmasked(frame_protocol.FrameDecoder):
    """Reads as a client does: without masks."""

    def __init__(self, client: bool, extensions: Any = None) -> None:
        super().__init__(True, extensions)


FAULTS: dict[str, Fault] = {
    "selects no subprotocol": with_("subprotocol", "selected", negotiation, "choose_subprotocol", lambda *_: None),
    "selects what nobody offered": with_(
        "no-subprotocol", "nothing was offered", WebSocketWire, "subprotocol", "auricle.v1"
    ),
    "reads frames without masks": with_("masks", "5.1", frame_protocol, "FrameDecoder", Unmasked),
    "drops audio after fragments": hearing("fragments", "received", drops_the_first_audio),
    "begins at another number": saying("ready-first", "O1", moved("ready", "seq", 1)),
    "closes with another code": saying("start-first", "1002", changed("closed", code=1000)),
    "says one code and closes with another": with_("start-before-audio", "O2", Liar, "close_code", 1000),
    "takes a second start": hearing("one-start", "nothing more", deaf("start", after=1)),
    "has another word for it": saying("json", "bad_message", changed("error", code="internal")),
    "calls a failure complete": saying("type", "O10", changed("closed", complete=True)),
    "names no field": saying("wrong-field", "param", changed("error", param=None)),
    "does not call it fatal": saying("unknown-encoding", "O10", changed("error", fatal=False)),
    "does what it cannot do": hearing("require", "nothing more", mishearing("start", require=[])),
    "lists nothing": saying("ignored", "listed", changed("ready", ignored=[])),
    "does not mind unknown types": hearing("unknown-type", "told once", deaf("sing")),
    "warns each time": saying("unknown-type", "O1", twice("warning")),
    "answers another ping": saying("ping", "pong", changed("pong", id="other")),
    "says what nobody asked for": hearing("features", "asked for", mishearing("start", features={})),
    "skips a number": saying("seq", "O1", without("speech_start")),
    "never says closed": saying("accounting", "O2", without("closed")),
    "is complete without being so": saying("accounting", "committed", counts(committed=-1)),
    "says a partial after its final": saying("partials", "O5", late_partial),
    "says finals that overlap": saying("finals", "O3", overlapping),
    "says a confidence that is none": saying("messages", "confidence", changed("final", confidence=2)),
    "says closed twice": saying("closed-last", "O2", twice("closed")),
    "loses audio from before ready": hearing("early-audio", "received", drops_the_first_audio),
    "does not call an empty session complete": saying("no-audio", "complete", changed("closed", complete=False)),
    "loses a final": saying("finals", "O3", loses_a_final),
    "counts segments from 0": saying("origins", "segment_origin", counts(segments=-3)),
    "never ends a turn": with_("turns", "O11", server_send, "end_turn", lambda *_: None),
    "ends a turn with other words": saying("turns", "O11", changed("turn_end", text="something else")),
    "takes credit back": saying("credit-monotone", "O12", takes_credit_back),
    "names another protocol": saying("ready-first", "ready.protocol", changed("ready", protocol="auricle.v9")),
    "says that an empty flush was not": saying("flush-nothing", "otherwise", changed("flushed", empty=False)),
    "drops half samples in every frame": hearing("chunks", "received", drops_half_samples),
    "makes whole samples of halves": hearing("odd-bytes", "320, not 321", fills_half_samples),
    "ends twice": saying("end-once", "O1", twice("input_ended")),
    "counts in a list": saying("messages", "must be an object", changed("closed", stats=[])),
    "hears audio after the end": saying("late-audio", "not received", counts_late_audio),
    "believes every total": hearing("total", "mismatch", mishearing("end_input", total=None)),
    "has heard what was never said": saying("credit-granted", "O12", bold_ack),
    "calls an overrun an accident": saying("credit-enforced", "backlog_exceeded", changed("error", code="internal")),
    "does not mind an overrun": hearing("credit-enforced", "nothing more", mishearing("gap", samples=1)),
    "calls a huge frame an accident": saying("huge-frame", "too_large", changed("error", code="internal")),
    "does not answer an empty flush": hearing("flush-nothing", "nothing more", deaf("flush")),
    "answers a flush before its position": saying("flush", "O6", answers_too_soon),
    "answers flushes by other names": hearing("flush-order", "O6", renumbers("flush")),
    "answers each flush it hears": hearing("flush-once", "once", renumbers("flush")),
    "forgets flushes when there are many": hearing("flush-many", "answered or refused", deaf("flush", after=10)),
    "flushes the future": hearing("flush-future", "nothing more", mishearing("flush", at=0)),
    "does not answer a marker": hearing("marker", "marker", deaf("flush")),
    "changes somewhere": saying("configure", "O7", changed("configured", **{"from": 1})),
    "changes each time": hearing("configure-once", "once", renumbers("configure")),
    "dies of a bad change": saying("configure-bad", "does not end", changed("error", fatal=True)),
    "does not count gaps": hearing("gap", "gap", mishearing("gap", samples=1)),
    "counts gaps of frames elsewhere": saying("offset64", "gap", counts(gap=-1)),
    "completes what was cancelled": saying("cancel", "cancelled", changed("closed", reason="completed")),
    "does not hear an early cancel": hearing("cancel-early", "nothing more", deaf("cancel")),
    "calls a late cancel lost": saying("cancel-late", "too late", changed("closed", reason="idle")),
    "takes up from a guess": saying("resume", "O8", moved("resumed", "next", -100)),
    "says other words to who returns": saying("resume", "uncut", other_words),
    "says other words to who returns often": saying("resume-again", "uncut", other_words),
    "replays nothing": saying("resume-end", "O1", forgets_what_was_missed),
    "takes an old token": with_("resume-token", "took the session", server_recovery, "compare_digest", lambda *_: True),
    "takes any token": with_("resume-stranger", "took the session", server_recovery, "compare_digest", lambda *_: True),
    "does not mind a late resume": hearing("resume-first", "nothing more", deaf("resume")),
    "calls a stranger an accident": saying("resume-unknown", "session_gone", changed("error", code="internal")),
    "says goodbye to both": with_("superseded", "4409", Liar, "close_code", 1000),
    "tells an old client too much": saying("legacy-ready", "two keys", changed("ready", seq=1)),
    "tells an old client a log-probability": saying("legacy-finals", "probability", changed("final", confidence=-0.4)),
    "tells an old client a code apart": saying("legacy-error", "two keys", changed("error", code="invalid_config")),
    "never closes on an old client": with_("legacy-end", "nothing more", Liar, "hangs_up", False),
    "ends at an old client's garbage": hearing("legacy-garbage", "the same", ends_at_garbage),
}


def plant(fault: Fault, patch: pytest.MonkeyPatch) -> None:
    """Make our server this one, for as long as the patch lasts."""
    patch.setattr(app, "WebSocketWire", Liar)
    fault.plant(patch)
