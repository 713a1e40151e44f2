"""The codec is total: any bytes and any JSON become a message, and every message comes back as it was."""

import json
import types
from dataclasses import fields
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core import Limits, Role
from auricle.core.codec import decode, encode
from auricle.core.messages import CLIENT_MESSAGES, SERVER_MESSAGES, Audio, Malformed, Message, Start, Unknown
from auricle.core.parts import Part
from auricle.core.schema import FieldError, MaxLength, Range, hints

LIMITS = Limits()
ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Lone surrogates included: JSON can spell them."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
UNICODE = st.characters(codec="utf-8")
TEXT = st.text(UNICODE, max_size=20)
TYPES = [(Role.CLIENT, cls) for name, cls in CLIENT_MESSAGES.items() if name != "audio"] + [
    (Role.SERVER, cls) for cls in SERVER_MESSAGES.values()
]


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Every value an annotation allows."""
    origin = get_origin(annotation)
    if origin is Annotated:
        base, *limits = get_args(annotation)
        return limited(base, limits)
    if origin in (Union, types.UnionType):
        some = next(item for item in get_args(annotation) if item is not types.NoneType)
        return st.none() | values(some)
    if origin is Literal:
        return st.sampled_from(get_args(annotation))
    if origin is tuple:
        items = get_args(annotation)
        if items[-1] is Ellipsis:
            return st.lists(values(items[0]), max_size=3).map(tuple)
        return st.tuples(*(values(item) for item in items))
    if origin is not None:
        return st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=2)
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return messages(annotation)
    return {
        str: TEXT,
        bytes: st.binary(max_size=50),
        int: st.integers(-(2**53), 2**53),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
    }[annotation]


def limited(base: Any, limits: list[Any]) -> st.SearchStrategy[Any]:
    for limit in limits:
        match limit:
            case Range(low, high) if base is int:
                return st.integers(int(low), int(high)) | st.sampled_from((int(high), int(high) - 1))
            case Range(low, high):
                return st.floats(low, high)
            case MaxLength(length) if base is str:
                return st.text(UNICODE, max_size=min(length, 20))
            case _:
                pass
    return values(base)


def messages(cls: type) -> st.SearchStrategy[Any]:
    arguments = {field.name: values(hints(cls)[field.name]) for field in fields(cls)}
    return st.fixed_dictionaries(arguments).map(lambda arguments: cls(**arguments))


@given(st.binary(max_size=200), st.sampled_from(Role))
def test_any_bytes_are_a_message(data: bytes, sender: Role) -> None:
    message = decode(data, sender, LIMITS).message
    assert message == (Audio(data=data) if sender is Role.CLIENT else Unknown(name="binary"))


@given(ANY_TEXT, st.sampled_from(Role))
def test_any_text_is_a_message(text: str, sender: Role) -> None:
    assert isinstance(decode(text, sender, LIMITS).message, Message)


def sendable(message: Message) -> bool:
    """Whether everything in a message could be echoed as UTF-8."""
    return isinstance(message, Audio) or bool(repr(message).encode())


@given(JSON, st.sampled_from(Role), st.sampled_from([*CLIENT_MESSAGES, *SERVER_MESSAGES, "new"]))
def test_any_json_is_a_message(body: Any, sender: Role, name: str) -> None:
    assert sendable(decode(json.dumps(body), sender, LIMITS).message)
    if isinstance(body, dict):
        decoded = decode(json.dumps({**body, "type": name}), sender, LIMITS)
        assert sendable(decoded.message)
        assert all(pointer.isascii() for pointer in decoded.ignored)


@given(st.data(), st.sampled_from(TYPES), st.text(min_size=1, max_size=12), JSON)
def test_a_message_with_one_field_gone_wrong_is_a_message(
    data: st.DataObject, wanted: tuple[Role, type], key: str, junk: Any
) -> None:
    sender, cls = wanted
    body = json.loads(str(encode(data.draw(messages(cls)))))
    names = [*(field.name for field in fields(cls)), key]
    body[data.draw(st.sampled_from(names))] = junk
    assert isinstance(decode(json.dumps(body), sender, LIMITS).message, cls | Malformed | Unknown)


@pytest.mark.parametrize(("sender", "cls"), TYPES, ids=lambda item: getattr(item, "__name__", item))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_message_comes_back_as_it_was(data: st.DataObject, sender: Role, cls: type) -> None:
    message = data.draw(messages(cls))
    decoded = decode(encode(message), sender, LIMITS)
    assert decoded.message == message
    assert decoded.ignored == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_message"),
        ("[]", "bad_message"),
        ('"start"', "bad_message"),
        ("{}", "bad_message"),
        ('{"type":1}', "bad_message"),
        ('{"type":"ping","t":NaN}', "bad_message"),
        ('{"type":"ping","t":1e999}', "bad_message"),
        ('{"type":"end_input","total":9007199254740993}', "bad_message"),
        ('{"type":"end_input","total":1.5}', "bad_message"),
        ('{"type":"end_input","total":true}', "bad_message"),
        ('{"type":"flush"}', "bad_message"),
        ('{"type":"flush","id":"' + "x" * 65 + '"}', "bad_message"),
        ('{"type":"start","audio":{"sample_rate":"16000"}}', "invalid_config"),
        ('{"type":"start","audio":{"sample_rate":1}}', "invalid_config"),
        ('{"type":"start","bias":{"terms":"hello"}}', "invalid_config"),
        ('{"type":"flush","id":"' + "x" * 70_000 + '"}', "too_large"),
        ('{"type":"start","language":"' + "x" * 300_000 + '"}', "too_large"),
        ("[" * 100_000, "bad_message"),
        ('{"type":"flush","id":"\\ud800"}', "bad_message"),
        ('{"type":"\\udfff"}', "bad_message"),
    ],
)
def test_what_is_no_message_says_why(text: str, code: str) -> None:
    message = decode(text, Role.CLIENT, LIMITS).message
    assert isinstance(message, Malformed)
    assert message.code == code
    assert message.why


def test_too_much_audio_in_a_frame() -> None:
    message = decode(bytes(LIMITS.max_audio_bytes + 1), Role.CLIENT, LIMITS).message
    assert isinstance(message, Malformed)
    assert message.code == "too_large"


def test_what_is_not_understood_is_ignored_and_named() -> None:
    text = '{"type":"start","mood":"good","task":"sing","audio":{"sample_rate":8000,"colour":1},"features":{"x":1}}'
    decoded = decode(text, Role.CLIENT, LIMITS)
    assert isinstance(decoded.message, Start)
    assert decoded.message.task == "transcribe"
    assert decoded.ignored == ("/mood", "/task", "/audio/colour", "/features/x")


def test_an_unknown_event_keeps_its_number() -> None:
    assert decode('{"type":"sentiment","seq":9}', Role.SERVER, LIMITS).message == Unknown(name="sentiment", seq=9)


def test_a_message_cannot_be_born_wrong() -> None:
    with pytest.raises(FieldError, match="/id must have at most 64 characters"):
        CLIENT_MESSAGES["flush"](id="x" * 65)
