"""``docs/protocol.md``: the prose of the template, with the tables and the conversations put in."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from auricle.core.errors import RETRIABLE_CLOSE_CODES
from auricle.core.framing import HEADER
from auricle.core.guards import RECLAIMABLE
from auricle.core.limits import Limits
from auricle.core.messages import CHANGEABLE, PROTOCOL
from auricle.core.states import Role, Side
from auricle.server.http.negotiation import WEBSOCKET_PATHS
from auricle.transports.trio import frame_budget
from spec import attachment_tables, examples, tables
from spec.source import SpecError

TEMPLATE: Final = Path(__file__).with_name("protocol.template.md")
RESUME: Final = Path(__file__).with_name("resume.template.md")
_SLOT: Final = re.compile(r"\{\{([a-z_]+)((?: [a-z_0-9]+)*)\}\}")


def render() -> str:
    """Return the specification. Raises `SpecError` where the template asks for what there is not."""
    return _fill(TEMPLATE)


def _fill(template: Path) -> str:
    return _SLOT.sub(lambda slot: _value(slot[1], slot[2].split()), template.read_text(encoding="utf-8"))


def _value(name: str, arguments: list[str]) -> str:
    if name not in _SLOTS:
        raise SpecError(f"The template asks for {name!r}, and there is no such thing.")
    return _SLOTS[name](*arguments)


def _limit(name: str) -> str:
    if not hasattr(Limits(), name):
        raise SpecError(f"The template asks for the limit {name!r}, and there is no such limit.")
    return tables.number(getattr(Limits(), name))


def _examples() -> str:
    return "\n\n".join(
        f"### {scene.__name__.replace('_', ' ').capitalize()}\n\n{examples.render(scene.__name__)}"
        for scene in examples.V1_SCENES
    )


_SLOTS: Final[Mapping[str, Callable[..., str]]] = {
    "protocol": lambda: PROTOCOL,
    "paths": lambda: ", ".join(f"`{path}`" for path in WEBSOCKET_PATHS),
    "limit": _limit,
    "states": tables.states,
    "attachments": attachment_tables.attachments,
    "attachments_together": attachment_tables.together,
    "attachment_moves": lambda role: attachment_tables.moves(Role(role)),
    "unheard": attachment_tables.unheard,
    "client_messages": tables.client_sections,
    "server_messages": tables.server_sections,
    "parts": tables.part_sections,
    "overview": lambda role, side: tables.overview(Role(role), Side(side)),
    "legality": lambda role, side: tables.legality(Role(role), Side(side)),
    "limits": tables.limit_table,
    "errors": tables.error_table,
    "verdicts": tables.verdict_table,
    "warnings": tables.warning_table,
    "retriable": lambda: tables.ranges(RETRIABLE_CLOSE_CODES),
    "reclaimable": lambda: tables.ranges(RECLAIMABLE),
    "changeable": lambda: ", ".join(f"`{name}`" for name in CHANGEABLE),
    "header": lambda: str(HEADER.size),
    "small_frame": lambda: str(frame_budget.SMALL_BYTES),
    "small_frames_at_once": lambda: str(frame_budget.BURST),
    "small_frames_per_s": lambda: str(frame_budget.PER_S),
    "resume": lambda: _fill(RESUME).strip(),
    "example": examples.render,
    "examples": _examples,
}
