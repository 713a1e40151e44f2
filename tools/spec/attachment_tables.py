"""The tables of the second automaton, as Markdown: what a session has of a connection."""

from collections.abc import Mapping, Sequence

from auricle.core.outcomes import Barred, Ignore, Move, Violation
from auricle.core.rules.attachment import ATTACHMENTS, HEARD, MOVES, TOGETHER
from auricle.core.states import Attachment, Kind, Role, State
from spec.source import attribute_docs
from spec.tables import MARKS, kind_name, table


def attachments() -> str:
    """Return what each attachment means."""
    docs = attribute_docs(Attachment)
    return table(["attachment", "meaning"], [[f"`{one.value}`", docs[one.name]] for one in Attachment])


def together() -> str:
    """Return which attachments a session in each state may have, on either side."""
    rows = [[f"`{state.value}`", *(_names(_in_order(TOGETHER[role][state])) for role in Role)] for state in State]
    return table(["state", *(role.value for role in Role)], rows)


def moves(role: Role) -> str:
    """Return every row of the table of one side: where an event leads, and why it cannot happen elsewhere."""
    lines = []
    for event, row in MOVES[role].items():
        groups: dict[Move | Barred, list[Attachment]] = {}
        for attachment in ATTACHMENTS[role]:
            groups.setdefault(row[attachment], []).append(attachment)
        order = sorted(groups.items(), key=lambda group: isinstance(group[0], Barred))
        for index, (outcome, where) in enumerate(order):
            lines.append([event.value if index == 0 else "", _where(where, role), _outcome(outcome)])
    return table(["what", "attachment", "what becomes of it"], lines)


def unheard() -> str:
    """Return what cannot be heard, whatever the state."""
    groups: dict[tuple[tuple[Kind, ...], str], list[Attachment]] = {}
    for attachment, kinds in HEARD.items():
        for outcome, names in _by_outcome(kinds).items():
            groups.setdefault((names, _told(outcome)), []).append(attachment)
    rows = [[_names(where), _kinds(kinds), told] for (kinds, told), where in groups.items()]
    return table(["attachment", "message", "what happens"], rows)


def _by_outcome(kinds: Mapping[Kind, Ignore | Violation]) -> Mapping[Ignore | Violation, tuple[Kind, ...]]:
    groups: dict[Ignore | Violation, tuple[Kind, ...]] = {}
    for kind, outcome in kinds.items():
        groups[outcome] = (*groups.get(outcome, ()), kind)
    return groups


def _kinds(kinds: Sequence[Kind]) -> str:
    return "any" if len(kinds) == len(Kind) else ", ".join(map(kind_name, kinds))


def _told(outcome: Ignore | Violation) -> str:
    if isinstance(outcome, Ignore):
        return f"{MARKS['ignore']} ignored: {outcome.why}"
    return f"{MARKS['violation']} **{outcome.code}**: {outcome.why}"


def _outcome(outcome: Move | Barred) -> str:
    match outcome:
        case Move(next=attachment, why=why):
            return f"{MARKS['rule']} → **`{attachment.value}`**: {why}"
        case Barred(why=why):
            return f"{MARKS['violation']} cannot be: {why}"


def _where(where: Sequence[Attachment], role: Role) -> str:
    return "any" if len(where) == len(ATTACHMENTS[role]) else _names(where)


def _in_order(some: frozenset[Attachment]) -> list[Attachment]:
    return [attachment for attachment in Attachment if attachment in some]


def _names(attachments: Sequence[Attachment]) -> str:
    return ", ".join(f"`{attachment.value}`" for attachment in attachments)
