"""State diagrams as SVG, drawn from the rule tables by a small layout of our own: the same table, the same picture.

Nodes stand in a column, in their order. Arrows to a neighbour below run straight, every other one in a lane of its own,
to the right when it leads down and to the left when it leads back. Each arrow carries a number, and what it stands for
is written beside it; so nothing ever overlaps. A frame around all nodes but the last stands for any of them.
"""

import textwrap
from collections.abc import Mapping
from enum import Enum
from typing import Final
from xml.sax.saxutils import escape

from spec.transitions import Automaton, Edge

BOX_W, BOX_H, GAP, LANE, LINE, TEXT_W = 150, 40, 66, 26, 17, 84
TOP, PAD = 64, 22

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


def render(automaton: Automaton) -> str:
    """Return the state diagram of an automaton as an SVG document."""
    arrows, nodes, last = automaton.edges, automaton.nodes, automaton.nodes[-1]
    lanes = _lanes(automaton)
    ports = _ports(automaton, lanes)
    left = PAD + LANE * (1 + max((-lane for lane in lanes.values()), default=0))
    right = left + BOX_W + LANE * (1 + max(lanes.values(), default=0)) + PAD
    tops = {node: TOP + PAD + index * (BOX_H + GAP) for index, node in enumerate(nodes)}
    tops[last] += PAD
    legend, legend_height = _legend(automaton, right + PAD)
    height = max(tops[last] + BOX_H, legend_height) + PAD
    width = right + PAD + 7 * TEXT_W
    frame_bottom = tops[nodes[-2]] + BOX_H + PAD
    title = automaton.title
    body = [
        f'<rect class="paper" width="{width}" height="{height}"/>',
        f'<text class="title" x="{PAD}" y="30">{title}</text>',
        f'<rect class="frame" x="{PAD // 2}" y="{TOP}" width="{right - PAD}" height="{frame_bottom - TOP}" rx="12"/>',
        f'<text class="soft" x="{PAD}" y="{TOP + 15}">any {automaton.whole}</text>',
        *(_box(node, left, tops[node], end=node is last) for node in nodes),
        *(_arrow(number, edge, lanes[number], left, tops, ports) for number, edge in enumerate(arrows, 1)),
        *legend,
    ]
    drawing = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-labelledby="title desc">\n<title id="title">{title}</title>\n'
        f'<desc id="desc">{escape(automaton.as_text())}</desc>\n<style>{_style()}</style>\n'
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path class="tip" d="M0 0L10 5L0 10z"/></marker></defs>\n{drawing}\n</svg>\n'
    )


def _lanes(automaton: Automaton) -> dict[int, int]:
    """Return the lane of each arrow by its number: 0 straight down, positive to the right, negative to the left."""
    order = automaton.nodes
    lanes: dict[int, int] = {}
    for number, edge in enumerate(automaton.edges, 1):
        if edge.source is None:
            lanes[number] = 0
            continue
        down = order.index(edge.target) - order.index(edge.source)
        if down == 1 and edge.target is not order[-1]:
            lanes[number] = 0
        elif down > 0:
            lanes[number] = 1 + max((lane for lane in lanes.values() if lane > 0), default=0)
        else:
            lanes[number] = min((lane for lane in lanes.values() if lane < 0), default=0) - 1
    return lanes


def _box(node: Enum, x: int, y: int, *, end: bool) -> str:
    kind = "box end" if end else "box"
    return (
        f'<rect class="{kind}" x="{x}" y="{y}" width="{BOX_W}" height="{BOX_H}" rx="8"/>'
        f'<text class="state" x="{x + BOX_W // 2}" y="{y + 25}">{node.value}</text>'
    )


def _ports(automaton: Automaton, lanes: Mapping[int, int]) -> dict[tuple[int, Enum], int]:
    """Return at which height of a box each arrow leaves or arrives: no two at the same on one side."""
    arrows = automaton.edges
    heights: dict[tuple[int, Enum], int] = {}
    for node in automaton.nodes:
        for sign in (1, -1):
            here = [
                number
                for number, edge in enumerate(arrows, 1)
                if lanes[number] * sign > 0 and node in (edge.source, edge.target)
            ]
            # What comes from above arrives above what leaves for below.
            here.sort(key=lambda number: (arrows[number - 1].source is node, -abs(lanes[number])))
            for index, number in enumerate(here, 1):
                heights[number, node] = index * BOX_H // (len(here) + 1)
    return heights


def _arrow(
    number: int, edge: Edge, lane: int, left: int, tops: Mapping[Enum, int], ports: Mapping[tuple[int, Enum], int]
) -> str:
    middle, end = left + BOX_W // 2, tops[edge.target]
    *_, above, _last = tops
    start = tops[edge.source or above] + BOX_H + (PAD if edge.source is None else 0)
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


def _legend(automaton: Automaton, x: int) -> tuple[list[str], int]:
    """Return what each number stands for as SVG text, and where it ends."""
    y, lines = TOP, list[str]()
    for number, edge in enumerate(automaton.edges, 1):
        lines.append(_badge(number, x + 9, y + 8))
        lines.append(f'<text class="soft" x="{x + 28}" y="{y + 12}">{escape(automaton.ends(edge))}</text>')
        for cause in edge.causes:
            for wrapped in textwrap.wrap(cause, TEXT_W):
                y += LINE
                lines.append(f'<text x="{x + 28}" y="{y + 12}">{escape(wrapped)}</text>')
        y += LINE + 10
    return lines, y
