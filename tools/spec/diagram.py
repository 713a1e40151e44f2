"""State diagrams as SVG, drawn from the rule table by a small layout of our own: the same table, the same picture.

States stand in a column, in the order of `State`. Arrows to a neighbour below run straight, every other one in a lane
of its own, to the right when it leads down and to the left when it leads back. Each arrow carries a number, and what
it stands for is written beside it; so nothing ever overlaps. A frame around the open states stands for any of them.
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from auricle.core.outcomes import Cell, Outcome, Rule, Violation
from auricle.core.rules import AFTER_VIOLATION, TABLE
from auricle.core.states import PEER_TIMEOUTS, Kind, Role, Side, State

BOX_W, BOX_H, GAP, LANE, LINE, TEXT_W = 150, 40, 66, 26, 17, 84
TOP, PAD = 64, 22
BREACH: Final = "hears what breaks the protocol"
OPEN: Final = tuple(state for state in State if state is not State.CLOSED)

LIGHT: Final = {
    "paper": "#ffffff", "ink": "#1c2733", "soft": "#52606e", "box": "#eef4fb", "edge": "#2f6db3", "end": "#fdeee6",
    "frame": "#8fa5bc",
}  # fmt: skip
DARK: Final = {
    "paper": "#10161d", "ink": "#e6edf3", "soft": "#a4b3c2", "box": "#1b2b3d", "edge": "#7ab3f0", "end": "#3a2620",
    "frame": "#5a738d",
}  # fmt: skip
SHAPES: Final = """
text{font:13px system-ui,'Segoe UI',Helvetica,Arial,sans-serif}
.title{font-size:16px;font-weight:600}.state{font-weight:600;text-anchor:middle}.no{font-size:11px;text-anchor:middle}
.frame{fill:none;stroke-dasharray:6 4}.edge{fill:none;stroke-width:1.5;marker-end:url(#tip)}.box{stroke-width:1.5}
"""


def _style() -> str:
    return f"{SHAPES}{_colours(LIGHT)}@media (prefers-color-scheme:dark){{{_colours(DARK)}}}"


def _colours(of: Mapping[str, str]) -> str:
    return (
        f"text{{fill:{of['ink']}}}.soft{{fill:{of['soft']}}}.paper{{fill:{of['paper']}}}"
        f".box{{fill:{of['box']};stroke:{of['edge']}}}.end{{fill:{of['end']}}}.frame{{stroke:{of['frame']}}}"
        f".edge{{stroke:{of['edge']}}}.tip{{fill:{of['edge']}}}.badge{{fill:{of['paper']};stroke:{of['edge']}}}\n"
    )


class Edge(NamedTuple):
    """One arrow: from any open state where ``source`` is None."""

    source: State | None
    target: State
    causes: tuple[str, ...]


def edges(role: Role) -> tuple[Edge, ...]:
    """Return every change of state of one side, what leads from any open state to the same place taken together."""
    found: dict[tuple[State, State], list[str]] = {}
    for side in (Side.HEAR, Side.SAY, Side.LOCAL):
        for kind, row in TABLE[role, side].items():
            for source, cell in row.items():
                for index, outcome in enumerate(cell):
                    target, cause = _change(side, kind, outcome)
                    if target not in (None, source) and source is not AFTER_VIOLATION:
                        assert target is not None
                        causes = found.setdefault((source, target), [])
                        if cause == BREACH:
                            _note(causes, cause)
                        else:
                            _note(causes, cause + _condition(cell[: index + 1]))
    return tuple(_fold(found))


def _change(side: Side, kind: Kind, outcome: Outcome) -> tuple[State | None, str]:
    """Return the state that an outcome leads to (None: the same), and what brings it about."""
    match outcome:
        case Rule(next=target):
            return target, _cause(side, kind)
        case Violation() if side is Side.HEAR:
            return AFTER_VIOLATION, BREACH
        case Violation() if kind in PEER_TIMEOUTS:
            return AFTER_VIOLATION, kind.value
        case _:
            return None, ""


def _condition(outcomes: Cell) -> str:
    """Return under what condition the last of these outcomes is taken."""
    *earlier, last = outcomes
    if last.when is not None:
        return f", if {last.when.value}"
    unless = " or ".join(outcome.when.value for outcome in earlier if outcome.when is not None)
    return f", unless {unless}" if unless else ""


def _note(causes: list[str], cause: str) -> None:
    if cause not in causes:
        causes.append(cause)


def _cause(side: Side, kind: Kind) -> str:
    if side is Side.LOCAL:
        return kind.value
    name = {Kind.AUDIO: "audio", Kind.FATAL: "fatal error"}.get(kind, kind.value)
    return f"{'says' if side is Side.SAY else 'hears'} {name}"


def _fold(found: Mapping[tuple[State, State], Sequence[str]]) -> list[Edge]:
    """Give each pair of open states one arrow, and all that ends the session one together, from the frame."""
    pairs = [(source, target) for source in State for target in OPEN if found.get((source, target))]
    endings: dict[str, list[State]] = {}
    for state in OPEN:
        for cause in found.get((state, State.CLOSED), ()):
            endings.setdefault(cause, []).append(state)
    order = sorted(endings.items(), key=lambda ending: -len(ending[1]))  # what may happen anywhere comes first
    causes = tuple(cause + _limited_to(where) for cause, where in order)
    return [
        *(Edge(source, target, tuple(found[source, target])) for source, target in pairs),
        Edge(None, State.CLOSED, causes),
    ]


def _limited_to(where: Sequence[State]) -> str:
    return "" if len(where) == len(OPEN) else f" (in {', '.join(state.value for state in where)})"


def as_text(role: Role) -> str:
    """Return the same as sentences, for whoever does not see the picture."""
    return " ".join(f"{_ends(edge)}: {'; '.join(edge.causes)}." for edge in edges(role))


def _ends(edge: Edge) -> str:
    return f"{edge.source.value if edge.source else 'any open state'} → {edge.target.value}"


# ---------------------------------------------------------------------------- the picture


def render(role: Role) -> str:
    """Return the state diagram of one side as an SVG document."""
    arrows = edges(role)
    lanes = _lanes(arrows)
    ports = _ports(arrows, lanes)
    left = PAD + LANE * (1 + max((-lane for lane in lanes.values()), default=0))
    right = left + BOX_W + LANE * (1 + max(lanes.values(), default=0)) + PAD
    tops = {state: TOP + PAD + index * (BOX_H + GAP) for index, state in enumerate(State)}
    tops[State.CLOSED] += PAD
    legend, legend_height = _legend(arrows, right + PAD)
    height = max(tops[State.CLOSED] + BOX_H, legend_height) + PAD
    width = right + PAD + 7 * TEXT_W
    frame_bottom = tops[OPEN[-1]] + BOX_H + PAD
    title = f"The states of a {role.value}"
    body = [
        f'<rect class="paper" width="{width}" height="{height}"/>',
        f'<text class="title" x="{PAD}" y="30">{title}</text>',
        f'<rect class="frame" x="{PAD // 2}" y="{TOP}" width="{right - PAD}" height="{frame_bottom - TOP}" rx="12"/>',
        f'<text class="soft" x="{PAD}" y="{TOP + 15}">open</text>',
        *(_box(state, left, tops[state]) for state in State),
        *(_arrow(number, edge, lanes[number], left, tops, ports) for number, edge in enumerate(arrows, 1)),
        *legend,
    ]
    drawing = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-labelledby="title desc">\n<title id="title">{title}</title>\n'
        f'<desc id="desc">{escape(as_text(role))}</desc>\n<style>{_style()}</style>\n'
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path class="tip" d="M0 0L10 5L0 10z"/></marker></defs>\n{drawing}\n</svg>\n'
    )


def _lanes(arrows: Sequence[Edge]) -> dict[int, int]:
    """Return the lane of each arrow by its number: 0 straight down, positive to the right, negative to the left."""
    order = list(State)
    lanes: dict[int, int] = {}
    for number, edge in enumerate(arrows, 1):
        if edge.source is None:
            lanes[number] = 0
            continue
        down = order.index(edge.target) - order.index(edge.source)
        if down == 1 and edge.target in OPEN:
            lanes[number] = 0
        elif down > 0:
            lanes[number] = 1 + max((lane for lane in lanes.values() if lane > 0), default=0)
        else:
            lanes[number] = min((lane for lane in lanes.values() if lane < 0), default=0) - 1
    return lanes


def _box(state: State, x: int, y: int) -> str:
    kind = "box end" if state is State.CLOSED else "box"
    return (
        f'<rect class="{kind}" x="{x}" y="{y}" width="{BOX_W}" height="{BOX_H}" rx="8"/>'
        f'<text class="state" x="{x + BOX_W // 2}" y="{y + 25}">{state.value}</text>'
    )


def _ports(arrows: Sequence[Edge], lanes: Mapping[int, int]) -> dict[tuple[int, State], int]:
    """Return at which height of a box each arrow leaves or arrives: no two at the same on one side."""
    heights: dict[tuple[int, State], int] = {}
    for state in State:
        for sign in (1, -1):
            here = [
                number
                for number, edge in enumerate(arrows, 1)
                if lanes[number] * sign > 0 and state in (edge.source, edge.target)
            ]
            # What comes from above arrives above what leaves for below.
            here.sort(key=lambda number: (arrows[number - 1].source is state, -abs(lanes[number])))
            for index, number in enumerate(here, 1):
                heights[number, state] = index * BOX_H // (len(here) + 1)
    return heights


def _arrow(
    number: int, edge: Edge, lane: int, left: int, tops: Mapping[State, int], ports: Mapping[tuple[int, State], int]
) -> str:
    middle, end = left + BOX_W // 2, tops[edge.target]
    start = tops[edge.source or OPEN[-1]] + BOX_H + (PAD if edge.source is None else 0)
    if lane == 0:
        return f'<path class="edge" d="M{middle} {start}V{end - 1}"/>' + _badge(number, middle, (start + end) // 2)
    assert edge.source is not None
    side = left + BOX_W if lane > 0 else left
    x = side + lane * LANE
    start, end = tops[edge.source] + ports[number, edge.source], end + ports[number, edge.target]
    path = f'<path class="edge" d="M{side} {start}H{x}V{end}H{side + (1 if lane > 0 else -1)}"/>'
    # Between two rows there are no arrows across.
    gap = tops[edge.source] + (BOX_H + GAP // 2 if lane > 0 else -GAP // 2)
    return path + _badge(number, x, gap)


def _badge(number: int, x: int, y: int) -> str:
    return f'<circle class="badge" cx="{x}" cy="{y}" r="9"/><text class="no" x="{x}" y="{y + 4}">{number}</text>'


def _legend(arrows: Sequence[Edge], x: int) -> tuple[list[str], int]:
    """Return what each number stands for as SVG text, and where it ends."""
    y, lines = TOP, list[str]()
    for number, edge in enumerate(arrows, 1):
        lines.append(_badge(number, x + 9, y + 8))
        lines.append(f'<text class="soft" x="{x + 28}" y="{y + 12}">{escape(_ends(edge))}</text>')
        for cause in edge.causes:
            for wrapped in textwrap.wrap(cause, TEXT_W):
                y += LINE
                lines.append(f'<text x="{x + 28}" y="{y + 12}">{escape(wrapped)}</text>')
        y += LINE + 10
    return lines, y
