"""Secrets: no token and no key is ever in a trace, and what has been redacted still replays."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from auricle.core.codec import encode
from auricle.core.messages import ErrorMessage, Resume, Resumed
from auricle.core.trace import Redactor, replay
from auricle.core.trace.redaction import SECRET_NAMES, SHORTEST
from core.link import Link, ready
from core.scenes import TOKENS, comes_back, flush_and_end
from core.tapes import rolling
from core.test_codec import ANY_TEXT

SECRET = st.text(st.characters(codec="utf-8"), min_size=SHORTEST, max_size=40).map(lambda text: f"{text[:-2]}~%")
"""No word that a trace has anyway: whoever makes one of them his token has no secret."""
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
    check_hidden(secret, json.dumps(redactor.redact({"with": value})))
    # Known once, it is hidden in every text; the placeholder is the same.
    later = redactor.redact({"why": f"no such session: {secret}!"})["why"]
    check_hidden(secret, later)
    assert later[len("no such session: ") : -1] == redactor.redact({"with": {"token": secret}})["with"]["token"]


@settings(deadline=None)
@given(SECRET, st.sampled_from(["resume", "final"]), st.integers(1, 20), st.booleans())
def test_a_frame_that_is_no_json_hides_them_too(secret: str, kind: str, missing: int, twice: bool) -> None:
    frame = json.dumps({"type": kind, "token": secret, "x": 'q"uote'})[:-missing]
    whole = frame + '{"token":"short"' * twice
    hidden = Redactor().redact({"with": {"frame": whole}})["with"]["frame"]
    if f'"{secret[:SHORTEST]}' in frame:
        check_hidden(secret, hidden)
    assert len(hidden) == len(whole)


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


def redacted(value: Any) -> Any:
    return Redactor().redact({"with": value})["with"]


def test_names_of_secrets_are_matched_by_their_end() -> None:
    kept = {"tokens": 3, "max_tokens": 5, "key": "a", "keyword": "b", "tokenizer": "c"}
    assert redacted(kept) == kept
    for name in SECRET_NAMES:
        assert redacted({name: "x"}) == {name: "redacted-1"}


def test_whatever_kind_a_secret_is_of_it_is_hidden() -> None:
    assert redacted({"token": [1, 2.5, True, None, {"a": "b"}]}) == {"token": [0, 0, True, None, {"a": "redacted-1"}]}


def test_placeholders_are_numbered_and_keep_the_length() -> None:
    redactor = Redactor(["my-api-key-0123456789"])
    assert redactor.redact({"with": {"token": "t" * 22, "text": "my-api-key-0123456789"}}) == {
        "with": {"token": "redacted-2............", "text": "redacted-1..........."}
    }


@pytest.mark.parametrize("word", ["transport_lost", "handle_timeout", "SessionClosed", "AudioReceived", "start_sample"])
def test_a_token_that_is_a_word_of_ours_does_not_spoil_the_trace(word: str) -> None:
    for tape in comes_back("raw", [word, "the-other-token"]):
        assert not replay(tape.text()).divergences


def test_transcripts_and_bias_are_kept() -> None:
    client, _ = flush_and_end()
    assert "Straße" in client.text()
    assert "words from 0 to 1000" in client.text()


def test_tokens_of_a_client_that_comes_back_are_hidden_and_it_replays() -> None:
    for tape in comes_back():
        text = tape.text()
        for token in TOKENS:
            check_hidden(token, text)
        assert text.count("redacted-1") > 2
        assert text.count("redacted-2") > 1
        assert not replay(text).divergences


@settings(deadline=None, max_examples=30)
@given(SECRET, SECRET, st.sampled_from(["raw", "offset64"]))
def test_any_tokens_of_a_client_that_comes_back_are_hidden_and_it_replays(one: str, other: str, framing: str) -> None:
    assume(one != other)
    for tape in comes_back(framing, [one, other]):
        text = tape.text()
        check_hidden(one, text)
        check_hidden(other, text)
        assert not replay(text).divergences


def test_a_short_token_is_hidden_where_its_name_stands() -> None:
    for tape in comes_back("raw", ["qzx", "zxq"]):
        text = tape.text()
        assert "qzx" not in text
        assert "zxq" not in text
        assert not replay(text).divergences
