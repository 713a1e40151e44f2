"""Replay: every conversation replays exactly, and one that was tampered with diverges at its very line."""

import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core import Role, State
from auricle.core.trace import TraceError, dialogue, replay
from auricle.core.trace.differences import differences
from core.link import Link, ready
from core.scenes import begins_anew, comes_back, flush_and_end
from core.tapes import Tape, rolling
from core.test_codec import JSON
from core.test_legacy_properties import OldConversation
from core.test_properties import Conversation, run_machine
from core.test_resume import ACTIONS, CUTS, converse
from core.test_rude_peers import ANYTHING, numbered


def check_exact(tape: Tape, *, audio: bool = False) -> None:
    text = tape.text(audio=audio)
    assert text.encode().decode().splitlines() == text.split("\n")[:-1]
    result = replay(text)
    assert not result.divergences
    assert "".join(f"{line}\n" for line in result.renewed) == text
    for line in dialogue(result.header, result.calls):
        assert "\n" not in line


def check_all(tapes: list[Tape]) -> None:
    for tape in tapes:
        check_exact(tape)
        check_exact(tape, audio=True)


class RecordedConversation(Conversation):
    def check(self) -> None:
        """How it ends is another test's business."""
        if not self.ended and self.link.client.state is not State.CLOSED:
            self.link.end()
        self.link.run_out()

    def teardown(self) -> None:
        super().teardown()
        check_all(self.tapes)

    tapes: list[Tape]


class RecordedOldConversation(OldConversation):
    def teardown(self) -> None:
        super().teardown()
        check_all(self.tapes)

    tapes: list[Tape]


@pytest.mark.parametrize("machine", [RecordedConversation, RecordedOldConversation])
def test_any_conversation_replays_exactly(machine: type[Any]) -> None:
    with rolling() as machine.tapes:
        run_machine(machine, examples=60)


@settings(max_examples=60, deadline=None)
@given(ACTIONS, CUTS)
def test_whatever_is_cut_replays_exactly(actions: list[tuple[str, int]], cuts: list[tuple[int, int, int]]) -> None:
    with rolling() as tapes:
        converse(actions, cuts)
    check_all(tapes)


def test_a_session_that_is_begun_anew_replays_exactly() -> None:
    client, *servers = begins_anew()
    assert len(servers) > 1
    check_all([client, *servers])


@pytest.mark.parametrize("framing", ["raw", "offset64"])
def test_a_client_that_comes_back_replays_exactly(framing: str) -> None:
    check_all(comes_back(framing))


@settings(deadline=None)
@given(st.data(), st.sampled_from(Role), st.booleans())
def test_whatever_a_peer_says_replays_exactly(data: st.DataObject, peer: Role, open_first: bool) -> None:
    with rolling() as tapes:
        link = ready() if open_first else Link()
        session = link.server if peer is Role.CLIENT else link.client
        for frame in data.draw(st.lists(ANYTHING[peer], max_size=8)):
            with suppress(Exception):  # that it never raises is another test's business; here a bug must replay too
                session.receive(numbered(frame, session), now=1.0)
        check_all(tapes)


# ---------------------------------------------------------------------------- what has been tampered with


def outcomes(call: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Every place in a line's outcome that can be tampered with: its holder and its key."""
    todo: list[Any] = [call["out"], call["state"]]
    while todo:
        holder = todo.pop()
        for key in range(len(holder)) if isinstance(holder, list) else list(holder):
            if isinstance(holder[key], list | dict) and holder[key]:
                todo.append(holder[key])
            else:
                yield holder, key


def test_a_tampered_outcome_diverges_at_its_very_line() -> None:
    tampered = 0
    for tape in (flush_and_end()[0], comes_back()[1]):
        lines = tape.lines()
        for number, line in enumerate(lines[1:], 2):
            for index in range(len(list(outcomes(json.loads(line))))):
                call = json.loads(line)
                holder, key = list(outcomes(call))[index]
                holder[key] = "tampered"
                text = "\n".join([*lines[: number - 1], json.dumps(call), *lines[number:]])
                assert [divergence.line for divergence in replay(text).divergences] == [number]
                tampered += 1
    assert tampered > 300


def test_a_missing_or_additional_outcome_diverges() -> None:
    client, _ = flush_and_end()
    lines = client.lines()
    for change in (
        lambda call: call["out"].pop(),
        lambda call: call["out"].append({"$": "AbortTransport"}),
        lambda call: call["state"].popitem(),
        lambda call: call["state"].update(seq=7),
        lambda call: call.update(raised={"type": "LocalProtocolError", "why": "no"}),
    ):
        call = json.loads(lines[5])
        change(call)
        (divergence,) = replay("\n".join([*lines[:5], json.dumps(call), *lines[6:]])).divergences
        assert divergence.line == 6


@pytest.mark.parametrize("other", ["1.0", "true"])
def test_one_is_not_true(other: str) -> None:
    server = comes_back()[1]
    text = server.text()
    assert text.count('"seq":1,"detects_turns"') == 1
    (divergence,) = replay(text.replace('"seq":1,"detects_turns"', f'"seq":{other},"detects_turns"')).divergences
    assert divergence.differences == (f"seq: {other} was recorded, now it is 1",)


def test_a_difference_is_named_where_it_is() -> None:
    client = flush_and_end()[0]
    first = replay(client.text().replace('"$":"Final","seq":3', '"$":"Final","seq":4', 1)).divergences[0]
    assert first.differences == ("output 1 event seq: 4 was recorded, now it is 3",)
    assert list(differences("out frame", '{"a":[1,{"b":2}]}', '{"a":[1,{"b":true}]}')) == [
        "out frame a [1] b: 2 was recorded, now it is true"
    ]
    assert list(differences("out frame", '{"a":1}', '{"a": 1}')) == [
        'out frame: "{\\"a\\":1}" was recorded, now it is "{\\"a\\": 1}"'
    ]
    assert list(differences("out", {"a": None}, {})) == ['out: {"a":null} was recorded, now it is {}']


def test_another_input_diverges_where_it_shows() -> None:
    client, _ = flush_and_end()
    text = client.text().replace('"call":"flush","with":{"flush_id":"f1"', '"call":"flush","with":{"flush_id":"g1"', 1)
    first = replay(text).divergences[0]
    assert first.verb == "flush"
    assert "f1" in first.differences[0]
    assert "g1" in first.differences[0]


def test_another_beginning_diverges_in_the_header() -> None:
    client, _ = flush_and_end()
    header, *rest = client.lines()
    changed = json.loads(header)
    changed["state"]["offered"] = 1
    first = replay("\n".join([json.dumps(changed), *rest])).divergences[0]
    assert (first.line, first.verb, first.differences) == (1, None, ("offered: 1 was recorded, now it is 0",))


def test_a_field_that_the_trace_is_too_old_to_know_is_no_divergence() -> None:
    client, _ = flush_and_end()
    header, *rest = client.lines()
    old = json.loads(header)
    del old["state"]["carried"]
    calls = [json.loads(line) for line in rest]
    for call in calls:
        call["state"].pop("carried", None)
    assert not replay("\n".join(json.dumps(line) for line in [old, *calls])).divergences


def test_a_last_line_that_was_cut_off_is_left_out() -> None:
    client, _ = flush_and_end()
    text = client.text()
    whole = replay(text)
    assert not whole.truncated
    cut = replay(text[:-20])
    assert cut.truncated
    assert not cut.divergences
    assert len(cut.calls) == len(whole.calls) - 1
    only_the_line_feed = replay(text[:-1])
    assert not only_the_line_feed.truncated
    assert len(only_the_line_feed.calls) == len(whole.calls)


HEADER = '{"auricle_trace":1,"role":"server","audio":false,"now":0.0,"made":{"subprotocol":null},"state":{}}'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the trace is empty"),
        ("\n", "line 1: it is not JSON"),
        ("words\n", "line 1: it is not JSON"),
        ("[" * 100_000, "line 1: it is not JSON"),
        ("[]\n", "line 1: it is not a JSON object"),
        ("{}\n", "line 1: it does not begin as a trace does"),
        ('{"auricle_trace":2}\n', "line 1: the trace has format 2, this version replays format 1"),
        ('{"auricle_trace":1}\n', "line 1: its first line is not the header of a trace"),
        (HEADER.replace("0.0", "null"), "line 1: it has no time"),
        (HEADER.replace("null", '1,"x":2'), "line 1: no server session can be made of it: "),
        (HEADER + "\nwords\n", "line 2: it is not JSON"),
        (HEADER + '\n{"call":"finish"}\n', "line 2: it is not the call of a verb"),
        (
            HEADER + '\n{"now":0,"call":"__init__","with":{},"out":[],"state":{}}\n',
            "line 2: this version's server has no verb '__init__'",
        ),
        (
            HEADER + '\n{"now":0,"call":"finish","with":{"x":{"$":"Nonsense"}},"out":[],"state":{}}\n',
            "line 2: this version knows no 'Nonsense'",
        ),
    ],
)
def test_what_is_no_trace_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(TraceError) as caught:
        replay(text)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


TRACES = [[json.loads(line) for line in tape.lines()] for tape in comes_back("offset64")]


@settings(deadline=None)
@given(st.data())
def test_any_damage_is_a_divergence_or_one_sentence(data: st.DataObject) -> None:
    lines = deepcopy(data.draw(st.sampled_from(TRACES)))
    holder: Any = lines
    key: Any = data.draw(st.integers(0, len(lines) - 1))
    while isinstance(holder[key], list | dict) and holder[key] and data.draw(st.booleans()):
        holder = holder[key]
        key = data.draw(st.sampled_from(list(range(len(holder))) if isinstance(holder, list) else sorted(holder)))
    holder[key] = data.draw(JSON | st.sampled_from([{"$": "Start"}, {"$bytes": 3}, 10**400, "x" * 70]))
    with suppress(TraceError):
        result = replay("\n".join(json.dumps(line) for line in lines))
        list(dialogue(result.header, result.calls))
