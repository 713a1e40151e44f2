"""Hypothesis strategies for everything in ``auricle.v1``: messages, frames, verbs, faults and whole conversations.

The one file of the core that needs a library: install the extra ``testing``. What these draw is valid unless the name
says otherwise, and they shrink towards the short and the ordinary.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from auricle.core import codec
from auricle.core.client import ClientSession
from auricle.core.messages import CLIENT_MESSAGES, SERVER_MESSAGES, Audio, Configure, Message, Start
from auricle.core.outputs import Frame
from auricle.core.parts import Part
from auricle.core.schema import MAX_INTEGER, MaxLength, Range
from auricle.core.session import Outputs
from auricle.core.states import Role
from auricle.core.testing import random_scenarios
from auricle.core.testing.scenario import Fault, Scenario, Step

ClientVerb = Callable[[ClientSession, float], Outputs]
"""Does something to a client's session at a time. Raises `LocalProtocolError` where it is not legal then."""

# ---------------------------------------------------------------------------- messages


def client_messages() -> st.SearchStrategy[Message]:
    """Anything that a client may say, as far as a single message goes."""
    return st.one_of([messages_of(cls) for cls in CLIENT_MESSAGES.values()])


def server_messages() -> st.SearchStrategy[Message]:
    """Anything that a server may say, as far as a single message goes."""
    return st.one_of([messages_of(cls) for cls in SERVER_MESSAGES.values()])


def messages_of(cls: type[Message]) -> st.SearchStrategy[Message]:
    """Valid messages of one type, made from the annotations of its fields."""
    if cls is Audio:
        return st.binary(max_size=400).map(lambda data: Audio(data=data))
    if cls is Configure:
        return st.builds(Configure, id=_text(64), set=_changes())
    return _parts(cls)


def _parts(cls: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(cls, include_extras=True)
    drawn: dict[str, st.SearchStrategy[Any]] = {}
    for field in fields(cls):
        value = _values(hints[field.name])
        required = field.default is MISSING and field.default_factory is MISSING
        drawn[field.name] = value if required or field.default is MISSING else st.just(field.default) | value
    return st.builds(cls, **drawn)


def _values(hint: Any) -> st.SearchStrategy[Any]:
    origin = get_origin(hint)
    if origin is Annotated:
        return _limited(*get_args(hint))
    if origin in (Union, UnionType):
        return st.one_of([_values(each) for each in sorted(get_args(hint), key=lambda each: each is not NoneType)])
    if origin is Literal:
        return st.sampled_from(get_args(hint))
    if origin is tuple:
        return _tuples(get_args(hint))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return st.dictionaries(_text(10), st.none() | st.integers(-9, 9) | _text(10), max_size=3)
    if isinstance(hint, type) and issubclass(hint, Part):
        return _parts(hint)
    return _PLAIN[hint]


def _limited(base: Any, limit: object) -> st.SearchStrategy[Any]:
    match limit:
        case MaxLength(most) if base is str:
            return _text(most)
        case MaxLength(most):
            return st.lists(_values(get_args(base)[0]), max_size=min(most, 4)).map(tuple)
        case Range(low, high) if base is int:
            return _integers(int(low), int(high))
        case Range(low, high):
            return st.floats(low, high, allow_nan=False)
        case _:
            raise AssertionError(f"an unknown limit: {limit}")


def _integers(low: int, high: int) -> st.SearchStrategy[int]:
    """Integers within bounds, often the largest: two of those have a sum beyond what may be sent."""
    return st.integers(low, high) | st.sampled_from((high, high - 1, high - high // 2))


def _tuples(items: tuple[Any, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    if len(items) == 2 and items[1] is Ellipsis:
        return st.lists(_values(items[0]), max_size=4).map(tuple)
    return st.tuples(*(_values(item) for item in items))


def _text(most: int) -> st.SearchStrategy[str]:
    """Text that can be sent: no lone surrogates."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=min(most, 20))


def _changes() -> st.SearchStrategy[dict[str, object]]:
    optional: dict[str, st.SearchStrategy[object]] = {
        "language": st.none() | _text(35),
        "bias": st.none() | st.fixed_dictionaries({"terms": st.lists(_text(20), max_size=3)}),
        "features": st.none() | st.fixed_dictionaries({"partials": st.booleans()}),
        "endpointing": st.none() | st.fixed_dictionaries({"silence_ms": st.integers(100, 10_000)}),
    }
    return st.fixed_dictionaries({}, optional=optional)


_PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    str: _text(200),
    int: st.integers(-MAX_INTEGER, MAX_INTEGER),
    float: st.floats(-1e9, 1e9, allow_nan=False),
    bool: st.booleans(),
    bytes: st.binary(max_size=400),
    NoneType: st.none(),
}

# ---------------------------------------------------------------------------- frames


def frames(sender: Role) -> st.SearchStrategy[Frame]:
    """Valid frames of one side."""
    messages = client_messages() if sender is Role.CLIENT else server_messages()
    return messages.map(codec.encode)


def mutated_frames(sender: Role) -> st.SearchStrategy[Frame]:
    """Frames that were valid before somebody changed a field, or some of their characters."""
    return _changed_objects(sender) | _changed_texts(sender)


def malformed_frames() -> st.SearchStrategy[Frame]:
    """Frames that are no message: not JSON, not an object, without a type, nested for ever, or just bytes."""
    return st.one_of(
        st.text(max_size=60),
        st.binary(max_size=60),
        _JSON.map(json.dumps),
        st.sampled_from(("", "{", "[]", "{}", "null", '{"type":1}', '{"type":null}', "NaN", '{"type":"\\ud800"}')),
        st.integers(1_000, 50_000).map(lambda depth: "[" * depth),
        st.integers(1_000, 50_000).map(lambda depth: '{"type":' * depth),
        st.integers(400, 5_000).map(lambda digits: f'{{"type":"ping","seen":{"9" * digits}}}'),
    )


def any_frames(sender: Role) -> st.SearchStrategy[Frame]:
    """All of these."""
    return frames(sender) | mutated_frames(sender) | malformed_frames()


_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def _changed_objects(draw: st.DrawFn, sender: Role) -> Frame:
    frame = draw(frames(sender).filter(lambda frame: isinstance(frame, str)))
    body = json.loads(frame)
    key = draw(st.sampled_from(sorted(body)))
    if draw(st.booleans()):
        del body[key]
    else:
        body[key] = draw(_JSON)
    return json.dumps(body)


@st.composite
def _changed_texts(draw: st.DrawFn, sender: Role) -> Frame:
    frame = draw(frames(sender))
    begin = draw(st.integers(0, len(frame)))
    end = draw(st.integers(begin, min(len(frame), begin + 5)))
    if isinstance(frame, str):
        return frame[:begin] + draw(st.text(max_size=5)) + frame[end:]
    return frame[:begin] + draw(st.binary(max_size=5)) + frame[end:]


# ---------------------------------------------------------------------------- verbs and orderings


def client_verbs() -> st.SearchStrategy[ClientVerb]:
    """Anything that an application may do to a client's session, legal at that moment or not."""
    return st.one_of(
        st.integers(0, 4_000).map(lambda count: lambda session, now: session.send_audio(bytes(count), now=now)),
        st.integers(1, 4_000).map(lambda samples: lambda session, now: session.skip(samples, now=now)),
        st.tuples(_text(8), st.none() | st.integers(0, 4_000)).map(
            lambda pair: lambda session, now: session.flush(pair[0], now=now, at_sample=pair[1])
        ),
        _text(8).map(lambda flush_id: lambda session, now: session.mark(flush_id, now=now)),
        _text(8).map(lambda flush_id: lambda session, now: session.end_turn(flush_id, now=now)),
        st.tuples(_text(8), st.sampled_from((None, "de", "fr"))).map(
            lambda pair: lambda session, now: session.configure(pair[0], {"language": pair[1]}, now=now)
        ),
        st.just(lambda session, now: session.end_input(now=now)),
        st.just(lambda session, now: session.cancel(now=now)),
        st.just(lambda session, now: session.abort(now=now)),
        st.just(lambda session, now: session.handle_timeout(now=now)),
    )


def orderings(moves: st.SearchStrategy[Any], *, most: int = 30) -> st.SearchStrategy[list[tuple[float, Any]]]:
    """Moves in any order, each with the seconds that pass before it: mostly none, sometimes more than any timer."""
    pauses = st.just(0.0) | st.floats(0.0, 1.0) | st.sampled_from((5.0, 15.0, 31.0, 61.0, 300.0))
    return st.lists(st.tuples(pauses, moves), max_size=most)


# ---------------------------------------------------------------------------- conversations


def faults(*, within_s: float = 60.0, longest_s: float = 8.0) -> st.SearchStrategy[Fault]:
    """Things that go wrong: at a time, or with a message."""
    kinds = [*random_scenarios.SURVIVABLE, *random_scenarios.FATAL]
    drawn = _RANDOM.map(lambda random: random_scenarios.draw_fault(random, kinds, within_s, longest_s))
    return drawn.map(lambda fault: replace(fault, for_s=min(fault.for_s, longest_s)))


def scripts(*, sample_rate: int = 16_000) -> st.SearchStrategy[tuple[Step, ...]]:
    """What an application may do with a session."""
    start = Start()
    return _RANDOM.map(lambda random: random_scenarios.draw_steps(random, sample_rate, start))


def scenarios() -> st.SearchStrategy[Scenario]:
    """Whole conversations for the simulation."""
    return st.builds(random_scenarios.draw_scenario, _RANDOM, st.integers(0, 2**32 - 1))


_RANDOM: Final = st.randoms(use_true_random=False)
