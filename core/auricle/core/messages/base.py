"""What all messages share: `Message`, the numbered `Durable`, and the outcomes of decoding that are no message.

Source: notes/wire-protocols.md §3.3 and §3.4.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from auricle.core.parts import Part
from auricle.core.schema import Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Part):
    """Anything that crosses the wire as one frame."""

    type: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Durable(Message):
    """A message that is part of the record: numbered without a gap, replayed on resume."""

    seq: Annotated[int, Range(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Message):
    """A well-formed message of a type this version does not know. A durable one still counts in ``seq``."""

    type: ClassVar[str] = "?"
    name: str
    seq: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed(Message):
    """A frame that is no message at all. ``code`` is one of the error codes of wire-protocols §3.9."""

    type: ClassVar[str] = "!"
    code: str
    why: str
    param: str | None = None
    ref: str | None = None
    """The id of a ``configure`` that asks for something impossible: refused without ending the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Message):
    """What a dialect answers by itself, because ``auricle.v1`` has no message for it: a frame in its own words.

    It is sent as it is, unless the session has closed, and changes nothing else.
    """

    type: ClassVar[str] = "="
    frame: str | bytes
