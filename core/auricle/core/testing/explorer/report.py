"""A counterexample as readable lines, and as lines of JSON."""

import json
from collections.abc import Iterator

from auricle.core.outputs import AudioSpan
from auricle.core.states import Attachment
from auricle.core.testing.explorer.endpoints import Close, Item, Skipped
from auricle.core.testing.explorer.joint_state import JointState
from auricle.core.testing.explorer.search import Explored, Found, Step
from auricle.core.testing.explorer.step_cache import StepCache


def conversation(explored: Explored, found: Found) -> Iterator[str]:
    """Return the lines of a readable trace."""
    yield f"{explored.settings.name}: {found.why}"
    for n, step in enumerate(found.trace):
        yield f"{n + 1:3}  {step.move.who:8} {step.move.what:24} | {_state_line(explored.cache, step.joint_state)}"
    yield f"  then, {found.last}"


def as_json(explored: Explored, found: Found) -> Iterator[str]:
    """Return the same as one JSON object a line."""
    yield json.dumps({"settings": explored.settings.name, "invariant": found.invariant, "why": found.why})
    for step in found.trace:
        yield json.dumps(_record(explored.cache, step))


def _record(cache: StepCache, step: Step) -> dict[str, object]:
    return {"who": step.move.who, "what": step.move.what, "before": _state_line(cache, step.joint_state)}


def _state_line(cache: StepCache, w: JointState) -> str:
    """Return a joint state on one line."""
    s = cache.clients[w.client]
    client = f"C {s.state.name} {s.committed}/{s.received}/{s.sent}/{s.offered} credit {s.credit} seq {s.seq}"
    client += " dialling" if w.connecting else "" if s.attached else " away"
    client += " gated" if s.attachment is Attachment.GATED else ""
    servers = [_server(cache, served.state, served.link) for served in w.servers]
    links = [
        f"[{n} {link.client.name}-{link.server.name} {link.health.name} "
        f"up({_items(cache, link.up)}) down({_items(cache, link.down)})]"
        for n, link in enumerate(w.links)
    ]
    return " ".join([client, *servers, *links])


def _server(cache: StepCache, state: int, link: int) -> str:
    s = cache.servers[state].snapshot
    return f"S@{link} {s.state.name} {s.committed}/{s.processed}/{s.received} credit {s.credit} seq {s.seq}"


def _items(cache: StepCache, numbers: tuple[int, ...]) -> str:
    return ", ".join(_item(cache.items[number]) for number in numbers)


def _item(item: Item) -> str:
    match item:
        case AudioSpan(start=start, end=end):
            return f"audio {start}-{end}"
        case Skipped(message=message, start=start):
            return f"gap {start}-{start + message.samples}"
        case Close(code=code):
            return f"Close {code}"
        case _:
            seq = getattr(item, "seq", None)
            return f"{item.type}{'' if seq is None else f'#{seq}'}"
