"""Encoding and decoding of ``auricle.v1``. Decoding is total: a frame that is no message becomes `Malformed`.

Text frame = exactly one JSON object with a string ``type`` (RFC 8259; no NaN, no number beyond 2^53 where an integer
is wanted). Binary frame from a client = audio; from a server it is reserved and ignored.
"""

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Final, NamedTuple

from auricle.core import schema
from auricle.core.limits import Limits
from auricle.core.messages import CLIENT_MESSAGES, SERVER_MESSAGES, Audio, Malformed, Message, Unknown
from auricle.core.outputs import Frame
from auricle.core.states import Role

MAX_ID: Final = 64
"""Longest id that a client may choose (`parts.Identifier`), in code points."""


class Decoded(NamedTuple):
    """A message, and JSON pointers to what was ignored in it."""

    message: Message
    ignored: tuple[str, ...] = ()


def encode(message: Message) -> Frame:
    """Return ``message`` as a frame. Fields that are None are left out."""
    if isinstance(message, Audio):
        return message.data
    body = {"type": message.type, **plain(message)}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def plain(value: Any) -> Any:
    """Return a message part as what `json` writes: objects, lists, strings and numbers, without the Nones."""
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((wire, getattr(value, name)) for name, wire in schema.wire_names(type(value)).items())
        return {wire: plain(item) for wire, item in pairs if item is not None}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def decode(frame: Frame, sender: Role, limits: Limits) -> Decoded:
    """Return the message in a frame of ``sender``. Never raises."""
    if isinstance(frame, bytes):
        if sender is Role.SERVER:
            return Decoded(Unknown(name="binary"))
        if len(frame) > limits.max_audio_bytes:
            why = f"an audio frame may have {limits.max_audio_bytes} bytes"
            return Decoded(Malformed(code="too_large", why=why))
        return Decoded(Audio(data=frame))
    parsed = parse_object(frame, limits.max_start_bytes if sender is Role.CLIENT else limits.max_message_bytes)
    if isinstance(parsed, Malformed):
        return Decoded(parsed)
    return decode_object(parsed, sender, limits, utf8_length(frame))


def parse_object(text: str, max_bytes: int) -> dict[str, Any] | Malformed:
    """Return the JSON object in a text frame, or what is wrong with it."""
    if utf8_length(text) > max_bytes:
        return Malformed(code="too_large", why=f"a text frame may have {max_bytes} bytes")
    try:
        body = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return Malformed(code="bad_message", why=f"not JSON: {error}"[:200])
    if not isinstance(body, dict):
        return Malformed(code="bad_message", why="a text frame must hold one JSON object")
    return body


def utf8_length(text: str) -> int:
    """Return how many bytes a text frame has on the wire."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def decode_object(body: Mapping[str, Any], sender: Role, limits: Limits, size: int) -> Decoded:
    """Return the message in a JSON object that was ``size`` bytes long."""
    known = CLIENT_MESSAGES if sender is Role.CLIENT else SERVER_MESSAGES
    name = body.get("type")
    if not isinstance(name, str):
        return Decoded(Malformed(code="bad_message", why="the message has no type", param="/type"))
    if sender is Role.CLIENT and name != "start" and size > limits.max_text_bytes:
        return Decoded(Malformed(code="too_large", why=f"a text frame may have {limits.max_text_bytes} bytes"))
    try:
        if name not in known or name == Audio.type:
            seq = body.get("seq")
            return Decoded(Unknown(name=name, seq=seq if type(seq) is int else None))
        arguments = {key: value for key, value in body.items() if key != "type"}
        message, ignored = schema.parse(known[name], arguments)
    except schema.FieldError as error:
        code = "invalid_config" if name in ("start", "configure") else "bad_message"
        ref = _usable_id(body.get("id")) if name == "configure" else None
        return Decoded(Malformed(code=code, why=_ascii(f"{name}: {error}"), param=_ascii(error.path), ref=ref))
    return Decoded(message, tuple(_ascii(pointer) for pointer in ignored))


def _usable_id(raw: object) -> str | None:
    """Return the id of a malformed message, None where it cannot serve as one."""
    return raw if isinstance(raw, str) and raw.isascii() and len(raw) <= MAX_ID else None


def _ascii(pointer: str) -> str:
    """Return a JSON pointer as ASCII, so that it can be sent whatever keys the peer used."""
    return pointer if pointer.isascii() else ascii(pointer)[1:-1]


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
