"""``docs/protocol.md``: the prose of the template, with the tables and the conversations put in."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from auricle.core.limits import Limits
from auricle.core.messages import PROTOCOL
from auricle.core.states import RESERVED, Role, Side
from auricle.server.negotiation import WEBSOCKET_PATHS
from spec import examples, model, tables
from spec.source import SpecError

TEMPLATE: Final = Path(__file__).with_name("protocol.template.md")
RESUME: Final = Path(__file__).with_name("resume.template.md")
_SLOT: Final = re.compile(r"\{\{([a-z]+)((?: [a-z_0-9]+)*)\}\}")


def render() -> str:
    """Return the specification. Raises `SpecError` where the template asks for what there is not."""
    return _fill(TEMPLATE)


def _fill(template: Path) -> str:
    return _SLOT.sub(lambda slot: _value(slot[1], slot[2].split()), template.read_text(encoding="utf-8"))


def _value(name: str, arguments: list[str]) -> str:
    try:
        return _SLOTS[name](*arguments)
    except (KeyError, TypeError, AttributeError, ValueError):
        asked = " ".join((name, *arguments))
        raise SpecError(f"The template asks for {{{{{asked}}}}}, and there is no such thing.") from None


def _limit(name: str) -> str:
    return tables.number(getattr(Limits(), name))


def _messages(role: str) -> str:
    return tables.message_sections(
        {Role.CLIENT: model.client_messages, Role.SERVER: model.server_messages}[Role(role)]()
    )


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
    "messages": _messages,
    "parts": tables.part_sections,
    "overview": lambda role, side: tables.overview(Role(role), Side(side)),
    "legality": lambda role, side: tables.legality(Role(role), Side(side)),
    "limits": tables.limit_table,
    "errors": tables.error_table,
    "verdicts": tables.verdict_table,
    "warnings": tables.warning_table,
    "retriable": tables.retriable_close_codes,
    "reserved": lambda: ", ".join(f"`{kind.value}`" for kind in RESERVED),
    "resume": lambda: _fill(RESUME).strip(),
    "example": examples.render,
    "examples": _examples,
}
