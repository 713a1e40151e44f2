"""Traces: whatever happens to a session can be written down, replayed exactly, and holds no secret."""

import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auricle.core import ClientSession, LocalProtocolError, Role, ServerInfo, ServerSession, Start
from auricle.core.codec import encode
from auricle.core.machine import step
from auricle.core.messages import CLIENT_MESSAGES, SERVER_MESSAGES, EndInput, ErrorMessage, Resume, Resumed
from auricle.core.parts import Bias
from auricle.core.snapshot import Snapshot
from auricle.core.stimuli import Say, Stimulus
from auricle.core.trace import VERSION, Redactor, TraceError, dialogue, replay, verbs
from auricle.core.trace.redaction import SECRET_NAMES, SHORTEST
from auricle.core.trace.values import from_json, to_json
from core.link import Link, ready
from core.tapes import Tape, rolling
from core.test_codec import ANY_TEXT, JSON, messages
from core.test_legacy_properties import OldConversation
from core.test_properties import Conversation, run_machine
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


def conversation() -> list[Tape]:
    """Something of everything: a refused verb, lost audio, a ping, a deadline, text that needs care."""
    with rolling() as tapes:
        link = Link(config=Start(language="de", bias=Bias(terms=("Straße", "\u2028"), prompt="naïve \x85 \x1b[31m")))
        link.settle()
        link.send(2_500)
        link.settle()
        link.flush("f1")
        link.settle()
        with pytest.raises(LocalProtocolError):
            link.flush("f1")
        link.pass_time(25.0)
        link.settle()
        link.send_bytes(601)
        link.settle()
        link.engine.fail_utterance()
        link.end()
        link.run_out()
    return tapes


# ---------------------------------------------------------------------------- what a trace holds


def test_a_trace_is_one_object_a_line_and_names_its_session() -> None:
    client, server = conversation()
    for tape in (client, server):
        header, *calls = [json.loads(line) for line in tape.text().splitlines()]
        assert header["auricle_trace"] == VERSION
        assert header["role"] == tape.role.value
        assert header["made"]["limits"]["window_s"] == 30.0
        assert all(set(call) - {"raised"} == {"now", "call", "with", "out", "state"} for call in calls)
        assert '"s1"' in json.dumps(calls[1:3])


def test_audio_is_counted_and_written_down_only_when_asked() -> None:
    client, server = conversation()
    for tape in (client, server):
        assert '"hex"' not in tape.text()
        assert '{"$bytes":5000}' in tape.text()
        assert '{"$bytes":5000,"hex":"00000100020003' in tape.text(audio=True)


def test_a_refused_verb_and_a_bug_are_in_it() -> None:
    client, _ = conversation()
    raised = [call.raised for call in replay(client.text()).calls if call.raised]
    assert raised == [{"type": "LocalProtocolError", "why": "flush id 'f1' has been used"}]


def test_a_bug_in_the_core_replays_as_the_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(s: Snapshot, stimulus: Stimulus, *, now: float) -> Any:
        if stimulus == Say(message=EndInput()):
            raise KeyError("something")
        return step(s, stimulus, now=now)

    monkeypatch.setattr("auricle.core.session.step", broken)
    with rolling() as tapes:
        link = ready()
        with pytest.raises(KeyError):
            link.end()
    assert not replay(tapes[0].text()).divergences
    monkeypatch.undo()
    (divergence,) = replay(tapes[0].text()).divergences
    assert divergence.verb == "end_input"
    assert divergence.differences[0] == (
        """raised: {"type":"KeyError","why":"'something'"} was recorded, now it is nothing"""
    )


def test_people_can_read_the_conversation() -> None:
    results = [replay(tape.text()) for tape in conversation()]
    mine, theirs = (list(dialogue(result.header, result.calls)) for result in results)
    assert any(line.startswith("     0.000  C> start audio=") for line in mine)
    assert any(line.startswith('     0.000  S> ready seq=1 session="s1"') for line in mine)
    assert "     0.000  C> audio, 5000 bytes" in mine
    assert "     0.000  -- flush raised LocalProtocolError: flush id 'f1' has been used" in mine
    for speaker in ("  C> ", "  S> "):
        said, heard = (
            [line[10:] for line in lines if speaker in line and "> audio" not in line] for lines in (mine, theirs)
        )
        assert said == heard, "nothing was lost here: both saw the same conversation"


def test_frames_of_audio_in_a_row_are_one_line() -> None:
    with rolling() as tapes:
        link = ready()
        for _ in range(3):
            link.send(100)
    result = replay(tapes[0].text())
    assert list(dialogue(result.header, result.calls))[-1] == "     0.000  C> audio in 3 frames, 600 bytes"


def test_every_verb_is_watched() -> None:
    assert {"connect", "transport_opened", "transport_lost", "receive", "handle_timeout", "abort"} <= verbs(
        ClientSession
    )
    assert {"accept", "final", "receive", "handle_timeout", "transport_lost", "fail"} <= verbs(ServerSession)
    link = Link()
    for session in (link.client, link.server):
        unwatched = {name for name in verbs(type(session)) if name not in vars(session)}
        assert not unwatched, "the conftest records every link"


def test_a_session_nobody_watches_is_untouched() -> None:
    assert not {name for name in vars(ClientSession(Start(), now=0.0)) if not name.startswith("_")}


# ---------------------------------------------------------------------------- values


@settings(deadline=None)
@given(st.one_of(*(messages(cls) for cls in {**CLIENT_MESSAGES, **SERVER_MESSAGES}.values())))
def test_every_message_comes_back_as_it_was(message: Any) -> None:
    assert from_json(json.loads(json.dumps(to_json(message, audio=True)))) == message


@given(JSON)
@example({"$": "Start"})
@example([{"$bytes": -1}])
@example({"$map": [1]})
@example({"$opaque": {}})
@example({"$bytes": 10**15})
@example({"$bytes": 1, "hex": "zz"})
@example({"$": "Start", "task": "sing"})
@example({"$": "Transmit"})
@example({"$": "Final", "such": 1})
def test_any_json_is_a_value_or_one_sentence(raw: Any) -> None:
    with suppress(TraceError):
        value = from_json(raw)
        json.dumps(to_json(value, audio=True), allow_nan=False)


@given(st.dictionaries(st.sampled_from(["$", "$bytes", "$map", "a"]), JSON, max_size=3))
def test_an_object_that_looks_like_one_of_ours_is_not_taken_for_it(raw: dict[str, Any]) -> None:
    assert repr(from_json(to_json(raw, audio=False))) == repr(raw)


def test_what_cannot_be_written_down_is_said_to_be() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    assert '"$opaque"' in json.dumps(to_json(deep, audio=False))
    assert to_json(object(), audio=False) == {"$opaque": "object"}
    assert to_json(10**5_000, audio=False) == {"$opaque": "int"}


# ---------------------------------------------------------------------------- replay


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
    for tape in conversation():
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
    client, _ = conversation()
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


def test_another_input_diverges_where_it_shows() -> None:
    client, _ = conversation()
    text = client.text().replace('"call":"flush","with":{"flush_id":"f1"', '"call":"flush","with":{"flush_id":"g1"', 1)
    first = replay(text).divergences[0]
    assert first.verb == "flush"
    assert "f1" in first.differences[0]
    assert "g1" in first.differences[0]


def test_another_beginning_diverges_in_the_header() -> None:
    client, _ = conversation()
    header, *rest = client.lines()
    changed = json.loads(header)
    changed["state"]["offered"] = 1
    first = replay("\n".join([json.dumps(changed), *rest])).divergences[0]
    assert (first.line, first.verb, first.differences) == (1, None, ("offered: 1 was recorded, now it is 0",))


def test_a_field_that_the_trace_is_too_old_to_know_is_no_divergence() -> None:
    client, _ = conversation()
    header, *rest = client.lines()
    old = json.loads(header)
    del old["state"]["carried"]
    calls = [json.loads(line) for line in rest]
    for call in calls:
        call["state"].pop("carried", None)
    assert not replay("\n".join(json.dumps(line) for line in [old, *calls])).divergences


def test_a_last_line_that_was_cut_off_is_left_out() -> None:
    client, _ = conversation()
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


TRACE = [json.loads(line) for line in conversation()[1].lines()]


@settings(deadline=None)
@given(st.data())
def test_any_damage_is_a_divergence_or_one_sentence(data: st.DataObject) -> None:
    lines = deepcopy(TRACE)
    holder: Any = lines
    key: Any = data.draw(st.integers(0, len(lines) - 1))
    while isinstance(holder[key], list | dict) and holder[key] and data.draw(st.booleans()):
        holder = holder[key]
        key = data.draw(st.sampled_from(list(range(len(holder))) if isinstance(holder, list) else sorted(holder)))
    holder[key] = data.draw(JSON | st.sampled_from([{"$": "Start"}, {"$bytes": 3}, 10**400, "x" * 70]))
    with suppress(TraceError):
        result = replay("\n".join(json.dumps(line) for line in lines))
        list(dialogue(result.header, result.calls))


# ---------------------------------------------------------------------------- secrets

SECRET = st.text(st.characters(codec="utf-8"), min_size=SHORTEST, max_size=40).filter(
    lambda text: len(set(text)) > 4 and "redacted" not in text
)
NAMES = st.sampled_from(["token", "resume_token", "previousToken", "X-Api-Key", "client_secret", "Authorization"])


def spelled(secret: str) -> set[str]:
    """Every way a secret can stand in a file of JSON, and in JSON within that."""
    once = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return once | {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for text in once for ascii_only in (True, False)}


def check_hidden(secret: str, text: str) -> None:
    assert not [spelling for spelling in spelled(secret) if spelling in text]


@settings(deadline=None)
@given(SECRET, NAMES, st.lists(st.sampled_from(["object", "list", "frame", "field"]), max_size=4), ANY_TEXT)
def test_what_has_a_secret_name_is_hidden_wherever_it_stands(
    secret: str, name: str, wrapping: list[str], other: str
) -> None:
    value: Any = {name: secret, "other": other}
    for kind in wrapping:
        match kind:
            case "object":
                value = {"inner": value}
            case "list":
                value = [value, 1]
            case "frame":
                value = {"frame": json.dumps(value)}
            case "field":
                value = {name: value}
    redactor = Redactor()
    check_hidden(secret, json.dumps(redactor.redact(value)))
    # Known once, it is hidden in every text; the placeholder is the same.
    (later,) = redactor.redact([f"no such session: {secret}!"])
    check_hidden(secret, later)
    assert later[len("no such session: ") : -1] == redactor.redact({"token": secret})["token"]


@settings(deadline=None)
@given(SECRET, st.sampled_from(["resume", "final"]), st.integers(1, 20), st.booleans())
def test_a_frame_that_is_no_json_hides_them_too(secret: str, kind: str, missing: int, twice: bool) -> None:
    frame = json.dumps({"type": kind, "token": secret, "x": 'q"uote'})[:-missing]
    hidden = Redactor().redact({"frame": frame + '{"token":"short"' * twice})["frame"]
    if f'"{secret[:SHORTEST]}' in frame:
        check_hidden(secret, hidden)
    assert len(hidden) == len(frame) + twice * len('{"token":"short"')


@settings(deadline=None)
@given(SECRET, SECRET, st.booleans())
def test_no_secret_is_ever_in_a_file_and_it_still_replays(token: str, key: str, settled: bool) -> None:
    why = f"the key {key} or the token {token} is unknown"
    error = ErrorMessage(seq=1 + settled, code="unauthorized", message=why, fatal=True)
    with rolling() as tapes:
        link = ready() if settled else Link()
        with suppress(Exception):
            link.server.receive(encode(Resume(session="s1", token=token, seen=0, sent=0)), now=0.0)
        link.client.receive(encode(Resumed(session="s1", next=0, state="ready", credit=0, token=token)), now=0.0)
        link.client.receive(encode(error), now=0.0)
        link.client.transport_lost("eof", 4401, f"bad key {key}", now=0.0)
    for tape in tapes:
        text = tape.text(secrets=(key,))
        check_hidden(token, text)
        check_hidden(key, text)
        assert not replay(text).divergences


def test_names_of_secrets_are_matched_by_their_end() -> None:
    kept = {"tokens": 3, "max_tokens": 5, "key": "a", "keyword": "b", "tokenizer": "c"}
    assert Redactor().redact(kept) == kept
    for name in SECRET_NAMES:
        assert Redactor().redact({name: "x"}) == {name: "redacted-1"}


def test_placeholders_are_numbered_and_keep_the_length() -> None:
    redactor = Redactor(["my-api-key-0123456789"])
    assert redactor.redact({"token": "t" * 22, "text": "my-api-key-0123456789"}) == {
        "token": "redacted-2............",
        "text": "redacted-1...........",
    }


def test_transcripts_and_bias_are_kept() -> None:
    client, _ = conversation()
    assert "Straße" in client.text()
    assert "words from 0 to 1000" in client.text()


def test_server_tokens_given_to_verbs_are_hidden() -> None:
    with rolling() as tapes:
        link = Link()
        link.settle_wire()
        with pytest.raises(TypeError):
            link.server.accept("s1", ServerInfo(name="x"), now=0.0, very_token="a-token-of-the-server")  # type: ignore[call-arg]
    assert "a-token-of-the-server" not in tapes[1].text()
