"""The bytes between the processes: every message comes back as it was, and no bytes do anything but fail clearly."""

import json
import pickle
import socket
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from auricle.core.parts import AudioFormat
from auricle.engines.isolation.channel import Channel, ChannelStuck
from auricle.engines.isolation.frames import LENGTHS, MOST_ARRAYS, MOST_JSON, FrameError, read, written
from auricle.engines.isolation.messages import (
    FROM_CHILD,
    FROM_PARENT,
    Accept,
    Begin,
    BeginUtterance,
    Decode,
    Finish,
    Hypothesis,
    LoadFailed,
    Progress,
    Ready,
    Release,
    Reply,
)
from auricle.engines.protocol import EngineInfo, Lanes, StreamConfig, TimedWord, Transcript, Window

TEXT = st.text(max_size=20)
NUMBER = st.integers(0, 2**53)
REAL = st.floats(allow_nan=False)
SPAN = st.tuples(REAL, REAL)
SAMPLES = arrays_of.arrays(np.float32, st.integers(0, 200), elements=st.floats(-1.0, 1.0, width=32))
FEATURES = arrays_of.arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(1, 8)))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | REAL | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
CONFIGS = st.builds(
    StreamConfig,
    audio=st.builds(AudioFormat, sample_rate=st.sampled_from([8_000, 16_000, 48_000])),
    language=st.none() | TEXT,
    languages=st.lists(TEXT, max_size=3).map(tuple),
    task=st.sampled_from(["transcribe", "translate"]),
    terms=st.lists(TEXT, max_size=3).map(tuple),
    prompt=st.none() | TEXT,
)
WORDS = st.builds(TimedWord, text=TEXT, start_s=REAL, end_s=REAL, confidence=st.none() | REAL)
TRANSCRIPTS = st.builds(
    Transcript, text=TEXT, words=st.lists(WORDS, max_size=4).map(tuple), confidence=REAL, language=st.none() | TEXT
)
WINDOWS = st.builds(
    Window,
    audio=SAMPLES,
    config=CONFIGS,
    final=st.booleans(),
    start_sample=NUMBER,
    context=TEXT,
    features=st.none() | FEATURES,
    told_after=st.none() | SPAN,
    voiced=st.none() | st.lists(SPAN, max_size=3).map(tuple),
)
INFOS = st.builds(EngineInfo, name=TEXT, model=TEXT, languages=st.none() | st.lists(TEXT, max_size=3).map(tuple))
LANES = st.builds(
    Lanes,
    count=NUMBER,
    batch=st.integers(1, 2**53),
    buckets=st.sets(st.integers(1, 2**53), max_size=4).map(sorted).map(tuple),
)
MESSAGES: dict[type, st.SearchStrategy[Any]] = {
    Begin: st.builds(
        Begin, search_path=st.lists(TEXT).map(tuple), create=TEXT, arguments=st.lists(JSON, max_size=3).map(tuple)
    ),
    Decode: st.builds(Decode, number=NUMBER, windows=st.lists(WINDOWS, max_size=3).map(tuple)),
    BeginUtterance: st.builds(
        BeginUtterance, number=NUMBER, utterance=NUMBER, config=CONFIGS, start_sample=NUMBER, audio=SAMPLES
    ),
    Accept: st.builds(Accept, number=NUMBER, utterance=NUMBER, audio=SAMPLES),
    Hypothesis: st.builds(Hypothesis, number=NUMBER, utterance=NUMBER),
    Finish: st.builds(Finish, number=NUMBER, utterance=NUMBER),
    Release: st.builds(Release, number=NUMBER, utterance=NUMBER),
    Progress: st.builds(Progress, stage=TEXT, fraction=st.none() | st.floats(0.0, 1.0)),
    LoadFailed: st.builds(LoadFailed, message=TEXT),
    Ready: st.builds(Ready, info=INFOS, parts=st.dictionaries(TEXT, JSON, max_size=3), lanes=st.none() | LANES),
    Reply: st.builds(
        Reply,
        number=NUMBER,
        transcripts=st.lists(TRANSCRIPTS, max_size=3).map(tuple),
        error=st.none() | TEXT,
        unknown_utterance=st.booleans(),
    ),
}
KINDS = {kind.__name__: kind for kind in MESSAGES}
ANY_MESSAGE = st.one_of(*MESSAGES.values())


def bytes_of(message: object) -> bytes:
    return b"".join(written(message))


def read_from(data: bytes, kinds: dict[str, type] | None = None, most_arrays: int = MOST_ARRAYS) -> Any:
    """Read one message of bytes, after which the connection ends."""
    rest = memoryview(data)

    def receive(size: int) -> bytearray:
        nonlocal rest
        if len(rest) < size:
            raise EOFError
        taken, rest = bytearray(rest[:size]), rest[size:]
        return taken

    return read(receive, KINDS if kinds is None else kinds, most_arrays=most_arrays)


def is_same(one: object, other: object) -> bool:
    """Whether two values are equal, arrays element by element, of exactly the same types."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and np.array_equal(one, other, equal_nan=True)
    if is_dataclass(one) and type(one) is type(other):
        return all(is_same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return type(one) is type(other) and one == other


def framed(head: object, arrays: bytes = b"") -> bytes:
    text = json.dumps(head).encode()
    return LENGTHS.pack(len(text), len(arrays)) + text + arrays


def test_every_message_has_a_strategy():
    assert set(MESSAGES) == {*FROM_PARENT, *FROM_CHILD}


@given(ANY_MESSAGE)
def test_a_message_comes_back_as_it_was(message):
    assert is_same(read_from(bytes_of(message)), message)


def test_an_array_may_be_written_to_as_one_that_was_never_sent():
    accept = read_from(bytes_of(Accept(number=1, utterance=2, audio=np.ones(8, dtype=np.float32))))
    accept.audio[0] = 0.5


@given(st.binary(max_size=200))
def test_bytes_are_a_message_or_an_error(data):
    with pytest.raises((FrameError, EOFError)):
        read_from(data)


@given(ANY_MESSAGE, st.data())
def test_a_message_with_other_bytes_in_it_is_one_or_an_error(message, data):
    whole = bytearray(bytes_of(message))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_from(bytes(whole))
    except (FrameError, EOFError):
        return


@given(ANY_MESSAGE, st.data())
def test_a_message_with_another_value_in_it_is_one_or_an_error(message, data):
    """Its JSON stays JSON: what is wrong is the type of something, anywhere."""
    text_size, size = LENGTHS.unpack(bytes_of(message)[: LENGTHS.size])
    whole = bytes_of(message)[LENGTHS.size :]
    head, arrays = json.loads(whole[:text_size]), whole[text_size : text_size + size]
    place, key = head, "fields"
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
    place[key] = data.draw(JSON)
    try:
        read_from(framed(head, arrays))
    except FrameError:
        return


class TestWhatMayNotCome:
    def test_a_message_of_the_other_direction(self):
        children = {kind.__name__: kind for kind in FROM_CHILD}
        whole = bytes_of(Begin(search_path=(), create="os:system", arguments=("true",)))
        with pytest.raises(FrameError, match="A message of this type may not come here"):
            read_from(whole, children)

    def test_arrays_where_none_may_come_are_refused_before_they_are_read(self):
        with pytest.raises(FrameError, match="too long"):
            read_from(LENGTHS.pack(10, 1), most_arrays=0)

    @pytest.mark.parametrize("lengths", [(MOST_JSON + 1, 0), (10, MOST_ARRAYS + 1), (2**32 - 1, 2**32 - 1)])
    def test_lengths_beyond_all_are_refused_before_anything_is_read(self, lengths):
        with pytest.raises(FrameError, match="too long"):
            read_from(LENGTHS.pack(*lengths))

    def test_a_pickle_is_not_executed(self, tmp_path):
        """What a compromised library in the child would send."""
        marker = tmp_path / "marker"

        class Evil:
            def __reduce__(self):
                return (open, (str(marker), "w"))

        pickled = pickle.dumps(Evil())
        for data in (pickled, LENGTHS.pack(len(pickled), 0) + pickled):
            with pytest.raises((FrameError, EOFError)):
                read_from(data)
        assert not marker.exists()

    @pytest.mark.parametrize(
        "head",
        [
            [],
            {"type": "Reply"},
            {"type": ["Reply"], "fields": {}, "arrays": []},
            {"type": "__class__", "fields": {}, "arrays": []},
            {"type": "Reply", "fields": {}, "arrays": []},
            {"type": "Reply", "fields": {"number": 1}, "arrays": []},
            {"type": "Release", "fields": {"number": True, "utterance": 1}, "arrays": []},
            {"type": "Release", "fields": {"number": 1.0, "utterance": 1}, "arrays": []},
            {"type": "Release", "fields": {"number": 1, "utterance": 1}, "arrays": [4]},
            {"type": "Release", "fields": {"number": 1, "utterance": 1}, "arrays": [-4, 4]},
            {"type": "Release", "fields": {"number": 1, "utterance": 1, "more": 1}, "arrays": []},
            {"type": "Progress", "fields": {"stage": "", "fraction": 10**400}, "arrays": []},
        ],
    )
    def test_what_is_not_exactly_a_message(self, head):
        with pytest.raises(FrameError):
            read_from(framed(head))

    @pytest.mark.parametrize(
        "array",
        [
            {"array": 1, "shape": [2]},
            {"array": -1, "shape": [2]},
            {"array": True, "shape": [2]},
            {"array": 0, "shape": [3]},
            {"array": 0, "shape": [-2]},
            {"array": 0, "shape": []},
            {"array": 0, "shape": [1, 1, 1, 1, 2]},
            {"array": 0, "shape": [2.0]},
            {"array": 0, "shape": [2], "dtype": "object"},
            [0, [2]],
        ],
    )
    def test_what_is_not_exactly_an_array(self, array):
        accept = {"number": 1, "utterance": 1, "audio": array}
        good = {**accept, "audio": {"array": 0, "shape": [2]}}
        assert read_from(framed({"type": "Accept", "fields": good, "arrays": [8]}, bytes(8))).audio.shape == (2,)
        with pytest.raises(FrameError):
            read_from(framed({"type": "Accept", "fields": accept, "arrays": [8]}, bytes(8)))

    @pytest.mark.parametrize("depth", [40, 100_000])
    def test_json_that_is_nested_without_end(self, depth):
        nested = "[" * depth + "]" * depth
        text = f'{{"type":"Begin","fields":{{"search_path":[],"create":"","arguments":{nested}}},"arrays":[]}}'.encode()
        with pytest.raises(FrameError):
            read_from(LENGTHS.pack(len(text), 0) + text)

    def test_a_value_that_has_no_plain_form_is_not_sent(self):
        for value in (object(), {1: 2}, np.zeros(1, dtype=object), {1, 2}):
            with pytest.raises(FrameError, match="Begin cannot be sent"):
                written(Begin(search_path=(), create="", arguments=(value,)))


class TestAChannel:
    @pytest.fixture
    def ends(self):
        one, other = socket.socketpair()
        with one, other:
            yield one, other

    def test_carries_messages_in_order_in_either_direction(self, ends):
        parent, child = Channel(ends[0], FROM_CHILD, most_arrays=0, send_s=5.0), Channel(ends[1], FROM_PARENT)
        for number in range(3):
            parent.send(Release(number=number, utterance=0))
            child.send(Reply(number=number))
        assert [child.receive().number for _ in range(3)] == [0, 1, 2]
        assert [parent.receive().number for _ in range(3)] == [0, 1, 2]

    def test_a_message_that_nobody_takes_is_given_up(self, ends):
        stuck = Channel(ends[0], FROM_CHILD, send_s=0.05)
        with pytest.raises(ChannelStuck):
            stuck.send(Accept(number=1, utterance=1, audio=np.zeros(4_000_000, dtype=np.float32)))

    def test_silence_is_given_up_where_it_is_limited(self, ends):
        channel = Channel(ends[0], FROM_CHILD)
        channel.limit_silence(0.05)
        with pytest.raises(ChannelStuck):
            channel.receive()

    def test_the_end_of_the_other_is_the_end(self, ends):
        channel = Channel(ends[0], FROM_CHILD)
        ends[1].close()
        with pytest.raises(EOFError):
            channel.receive()
