"""I9: from every reachable joint state, fair moves alone lead to the end of both sides.

Backward from the states in which everything is over, along fair moves. A state not reached that way can
end only by a move that nothing guarantees.
"""

from array import array

from auricle.core.testing.explorer.alone import find_endless
from auricle.core.testing.explorer.search import Explored, Found, explore
from auricle.core.testing.explorer.settings import Settings


def prove(settings: Settings, *, most: int) -> Explored:
    """Explore; where no invariant breaks, look for states from which the end cannot be reached."""
    explored = explore(settings, most=most)
    if explored.found is None:
        explored.found = find_endless(explored)
    if explored.found is None and explored.complete:
        states = stuck(explored)
        if states:
            why = f"I9: {len(states)} states can never end"
            explored.found = Found("I9", why, explored.trace(states[0]), "nothing leads to the end")
    return explored


def stuck(explored: Explored) -> list[int]:
    """Return the joint states from which the end cannot be reached, in the order of their depth."""
    count = len(explored.keys)
    first, sources = _reversed(explored, count)
    live = bytearray(count)
    todo = list(explored.ended)
    for number in todo:
        live[number] = 1
    while todo:
        number = todo.pop()
        for n in range(first[number], first[number + 1]):
            source = sources[n]
            if not live[source]:
                live[source] = 1
                todo.append(source)
    return [number for number in range(count) if not live[number]]


def _reversed(explored: Explored, count: int) -> "tuple[array[int], array[int]]":
    """Return the fair moves by where they lead: for each state, where its sources begin, and the sources."""
    first = array("I", bytes(4 * (count + 1)))
    for number in explored.fair_to:
        first[number + 1] += 1
    for number in range(count):
        first[number + 1] += first[number]
    place = array("I", first)
    sources = array("I", bytes(4 * len(explored.fair_to)))
    for source, number in zip(explored.fair_from, explored.fair_to, strict=True):
        sources[place[number]] = source
        place[number] += 1
    return first, sources
