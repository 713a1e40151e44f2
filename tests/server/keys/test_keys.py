"""API keys, the file that they are kept in, and what they let in."""

import json
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.server.keys import api_key as api_key_module
from auricle.server.keys.access import EVERYBODY, Access, Denied, Grant
from auricle.server.keys.api_key import ApiKey, Keyring, Presented, new_secret, parse
from auricle.server.keys.key_file import KeyFileError, change_keys, read_keys
from auricle.server.keys.scopes import Scope
from auricle.server.keys.session_tokens import TokenSigner
from auricle.server.keys.usage import Usage
from auricle.server.logs.redaction import REDACTED, without_secrets
from server.keys.making import NOON
from server.keys.making import made_key as made


class Clock:
    """The time of day, as a test sets it."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


# ---------------------------------------------------------------------------- keys


def test_a_key_is_known_by_its_secret_alone() -> None:
    key, text = made()
    other, _ = made("bob")
    ring = Keyring((other, key))
    assert ring.find(text) == key
    assert ring.find(text[:-1] + ("a" if text[-1] != "a" else "b")) is None
    assert ring.find(f"ak_{other.prefix}.{parse(text).secret}") is None
    assert ring.find(text.removeprefix("ak_")) is None
    assert parse(text).secret not in repr(key)
    assert key.digest == sha256(parse(text).secret.encode()).hexdigest()


@given(st.text(max_size=300))
def test_whatever_is_presented_is_no_key_and_raises_nothing(text: str) -> None:
    key, _ = made()
    assert Keyring((key,)).find(text) is None
    assert Keyring((key,)).find(f"ak_{key.prefix}.{text}") is None


def test_an_unknown_prefix_is_compared_as_a_known_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    key, text = made()
    compared: list[tuple[str, str]] = []
    monkeypatch.setattr(api_key_module, "compare_digest", lambda one, other: compared.append((one, other)) or False)
    for presented in (text, "ak_000000000000." + "x" * 43, "nonsense"):
        assert Keyring((key,)).find(presented) is None
    assert [len(one) for one, _ in compared] == [len(other) for _, other in compared] == [64, 64, 64]


def test_keys_and_tokens_look_like_what_logs_leave_out() -> None:
    for _ in range(200):
        key, text = made()
        token, _ = TokenSigner().make(key.prefix, NOON, 60)
        assert without_secrets(f"it is {text}, or {token}") == f"it is {REDACTED}, or {REDACTED}"


def test_secrets_are_256_bits_and_never_the_same() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert all(len(new_secret().secret) == 43 for _ in range(10))


# ---------------------------------------------------------------------------- the file


def added(key: ApiKey) -> Callable[[tuple[ApiKey, ...]], tuple[ApiKey, ...]]:
    return lambda keys: (*keys, key)


def test_keys_are_kept_and_read_again(tmp_path: Path) -> None:
    path = str(tmp_path / "keys.json")
    one, text = made(
        expires=NOON + timedelta(days=1), sessions=3, requests_per_minute=60, audio_minutes_per_day=1.5,
        scopes=frozenset(Scope),
    )  # fmt: skip
    two, _ = made("bob")
    change_keys(path, added(one))
    change_keys(path, added(two))
    assert read_keys(path) == (one, two)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert parse(text).secret not in Path(path).read_text()
    assert [each.name for each in tmp_path.iterdir()] == ["keys.json"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "keys.json").symlink_to(tmp_path / "elsewhere.json")
    change_keys(str(tmp_path / "keys.json"), added(made()[0]))
    assert (tmp_path / "keys.json").is_symlink()
    assert len(read_keys(str(tmp_path / "elsewhere.json"))) == 1


def test_who_may_read_the_file_may_read_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys.json"
    change_keys(str(path), added(made()[0]))
    path.chmod(0o640)  # as for a server of another user, which has the group
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fchown", lambda _, owner, group: given.append((owner, group)))
    change_keys(str(path), added(made("bob")[0]))
    assert given == [(path.stat().st_uid, path.stat().st_gid)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    monkeypatch.setattr(os, "fchown", lambda *_: (_ for _ in ()).throw(PermissionError(1, "no")))
    change_keys(str(path), added(made("carol")[0]))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, "who may not give it to them gives it to nobody"


def test_changes_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "keys.json")
    workers = [threading.Thread(target=change_keys, args=(path, added(made(f"key{n}")[0]))) for n in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert {key.name for key in read_keys(path)} == {f"key{n}" for n in range(20)}


@pytest.mark.parametrize("text", ["", "port = 5", "[]", '{"keys": []}', "\xff", "{" * 50_000])
def test_a_file_that_is_something_else_is_not_written_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(KeyFileError, match="is no file of keys, and is left as it is"):
        change_keys(str(path), added(made()[0]))
    assert path.read_text(encoding="latin-1") == text


def test_what_fails_in_the_middle_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys.json"
    change_keys(str(path), added(made()[0]))
    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(KeyFileError, match="no space left on device"):
        change_keys(str(path), added(made("bob")[0]))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sha256": "abc"}, "sha256 is 64 hexadecimal digits"),
        ({"sessions": 0}, "a limit is a whole number of at least 1"),
        ({"sessions": True}, "a limit is a whole number of at least 1"),
        ({"audio_minutes_per_day": "5"}, "a limit is a number above 0"),
        ({"scopes": ["king"]}, "'king' is not a valid Scope"),
        ({"created": "yesterday"}, "Invalid isoformat"),
        ({"sesions": 5}, "'sesions' means nothing there"),
        ({"name": None}, "a text is missing"),
    ],
)
def test_a_key_that_cannot_be_read_is_named(tmp_path: Path, change: dict[str, object], sentence: str) -> None:
    path = tmp_path / "keys.json"
    change_keys(str(path), added(made()[0]))
    body = json.loads(path.read_text())
    body["keys"][0].update(change)
    path.write_text(json.dumps(body))
    with pytest.raises(KeyFileError, match=f"^Key 1 of .*keys.json cannot be read: .*{sentence}"):
        read_keys(str(path))


def test_a_file_that_is_not_there_is_told_with_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(
        KeyFileError, match=r"There is no file of keys .*: `auricle keys add NAME --keys-file .*` makes"
    ):
        read_keys(str(tmp_path / "keys.json"))
    change_keys(str(tmp_path / "keys.json"), added(made()[0]))
    with pytest.raises(KeyFileError, match="has the name 'alice' twice"):
        change_keys(str(tmp_path / "keys.json"), added(made()[0]))
    assert len(read_keys(str(tmp_path / "keys.json"))) == 1


# ---------------------------------------------------------------------------- limits


def test_requests_are_counted_over_a_minute() -> None:
    key, _ = made(requests_per_minute=3)
    usage = Usage()
    assert [usage.take_request(key, 100.0) for _ in range(3)] == [None, None, None]
    excess = usage.take_request(key, 100.0)
    assert excess is not None
    assert (excess.limit, excess.why, excess.retry_after_s) == (
        "requests",
        "this key may begin 3 requests a minute",
        20,
    )
    assert usage.take_request(key, 100.0 + excess.retry_after_s / 2) is not None
    assert usage.take_request(key, 100.0 + excess.retry_after_s) is None


@given(st.lists(st.floats(0, 30), max_size=40), st.integers(1, 20))
def test_no_minute_has_more_than_twice_the_requests_and_those_who_wait_get_theirs(
    gaps: list[float], limit: int
) -> None:
    key, _ = made(requests_per_minute=limit)
    usage, now, taken = Usage(), 1_000.0, []
    for gap in gaps:
        now += gap
        excess = usage.take_request(key, now)
        if excess is None:
            taken.append(now)
        else:
            now += excess.retry_after_s + 1e-6
            assert usage.take_request(key, now) is None, "whoever waits as long as told is served"
            taken.append(now)
    for begin in taken:
        assert sum(begin <= at < begin + 60 for at in taken) <= 2 * limit


def test_sessions_are_counted_at_once() -> None:
    key, _ = made(sessions=2)
    usage = Usage()
    usage.sessions = 1
    assert usage.no_session(key, NOON) is None
    usage.sessions = 2
    excess = usage.no_session(key, NOON)
    assert excess is not None
    assert (excess.limit, excess.why) == ("sessions", "this key has 2 sessions already")
    assert usage.no_session(replace(key, sessions=3), NOON) is None, "limits may change"


def test_audio_is_counted_in_samples_over_a_day_of_utc() -> None:
    key, _ = made(audio_minutes_per_day=1.0)
    usage = Usage()
    usage.add_audio(16_000 * 59, 16_000, NOON)
    assert usage.no_audio(key, NOON) is None
    assert usage.audio_left_s(key, NOON) == 1.0
    usage.add_audio(8_000, 8_000, NOON)
    excess = usage.no_session(key, NOON)
    assert excess is not None
    assert (excess.limit, excess.retry_after_s) == ("audio", 12 * 3600.0)
    assert usage.no_audio(key, NOON + timedelta(seconds=excess.retry_after_s)) is None
    assert usage.audio_left_s(key, NOON + timedelta(days=1)) == 60.0


@given(st.lists(st.tuples(st.integers(1, 960), st.sampled_from([8_000, 16_000, 44_100, 48_000])), max_size=200))
def test_sums_of_audio_do_not_drift(pieces: list[tuple[int, int]]) -> None:
    usage = Usage()
    for samples, rate in pieces:
        usage.add_audio(samples, rate, NOON)
    by_rate = {rate: sum(n for n, r in pieces if r == rate) for _, rate in pieces}
    assert usage.audio_s == pytest.approx(sum(n / rate for rate, n in by_rate.items()), abs=1e-12)


# ---------------------------------------------------------------------------- access


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_server_without_keys_lets_everybody_in() -> None:
    access = Access(None)
    for presented in (None, "anything"):
        assert access.authorise(presented, Scope.OPERATOR, 0.0) == EVERYBODY
    assert access.token(EVERYBODY) is None
    assert access.no_session(EVERYBODY) is None
    assert access.add_audio(EVERYBODY, 10**9, 8_000) is None
    assert access.told_limits(EVERYBODY) == {}
    assert access.why_over(EVERYBODY) is None


def denied(access: Access, presented: str | None, scope: Scope = Scope.TRANSCRIBE, now: float = 0.0) -> tuple[int, str]:
    result = access.authorise(presented, scope, now)
    assert isinstance(result, Denied)
    if presented:
        assert presented not in result.message
    return result.status, result.message


def test_wrong_keys_of_every_kind_are_told_apart_only_where_the_secret_is_right(clock: Clock) -> None:
    key, text = made(expires=NOON + timedelta(hours=1))
    access = Access(Keyring((key,)), clock=clock)
    assert access.authorise(text, Scope.TRANSCRIBE, 0.0) == Grant(key)
    assert denied(access, None) == (401, "This server wants an API key.")
    assert denied(access, "ak_0.0") == (401, "This API key is not valid.")
    assert denied(access, text + "x") == (401, "This API key is not valid.")
    assert denied(access, text, Scope.OPERATOR) == (403, "This API key is not for the scope operator.")
    clock.at += timedelta(hours=1)
    assert denied(access, text) == (401, "This API key has expired.")
    assert denied(access, text + "x") == (401, "This API key is not valid.")


def test_whose_key_it_was_is_known_where_it_was_anybodys(clock: Clock) -> None:
    key, text = made(expires=NOON + timedelta(hours=1), requests_per_minute=1, sessions=1)
    access = Access(Keyring((key,)), clock=clock)
    granted = access.authorise(text, Scope.TRANSCRIBE, 0.0)
    assert isinstance(granted, Grant)
    with access.holding(granted):
        refusals = [access.too_many(granted), access.authorise(text, Scope.TRANSCRIBE, 0.0)]
    refusals.append(access.authorise(text, Scope.OPERATOR, 0.0))
    clock.at += timedelta(hours=1)
    refusals.append(access.authorise(text, Scope.TRANSCRIBE, 0.0))
    assert [each.key_name for each in refusals if isinstance(each, Denied)] == ["alice"] * 4
    nobodys = access.authorise(text + "x", Scope.TRANSCRIBE, 0.0)
    assert isinstance(nobodys, Denied)
    assert nobodys.key_name is None


def test_tokens_open_sessions_of_their_key_for_a_minute(clock: Clock) -> None:
    key, text = made(scopes=frozenset(Scope))
    access = Access(Keyring((key,)), clock=clock)
    granted = access.authorise(text, Scope.TRANSCRIBE, 0.0)
    assert isinstance(granted, Grant)
    given_token = access.token(granted)
    assert given_token is not None
    token, expires = given_token
    assert expires == NOON + timedelta(seconds=60)
    assert access.authorise(token, Scope.TRANSCRIBE, 0.0) == Grant(key, by_token=True)
    assert denied(access, token, Scope.OPERATOR)[0] == 403, "a token is for sessions alone"
    clock.at += timedelta(seconds=59)
    assert isinstance(access.authorise(token, Scope.TRANSCRIBE, 0.0), Grant)
    clock.at += timedelta(seconds=1)
    assert denied(access, token) == (401, "This session token is not valid, or over.")


def test_a_token_is_good_where_its_secret_and_its_key_are(clock: Clock) -> None:
    key, _ = made()
    one = Access(Keyring((key,)), TokenSigner(b"s" * 32), clock=clock)
    token, _ = one.token(Grant(key)) or ("", NOON)
    assert isinstance(
        Access(Keyring((key,)), TokenSigner(b"s" * 32), clock=clock).authorise(token, Scope.TRANSCRIBE, 0), Grant
    )
    assert denied(Access(Keyring((key,)), clock=clock), token)[0] == 401
    assert denied(Access(Keyring((made()[0],)), TokenSigner(b"s" * 32), clock=clock), token)[0] == 401
    payload, _, signature = token.removeprefix("st_").partition(".")
    for forged in (f"st_{payload[:-1]}.{signature}", f"st_{payload}.", f"st_.{signature}", token + "x", "st_"):
        assert denied(one, forged)[0] == 401


@given(st.text(max_size=100))
def test_whatever_is_presented_as_a_token_raises_nothing(text: str) -> None:
    key, _ = made()
    access = Access(Keyring((key,)))
    assert isinstance(access.authorise(f"st_{text}", Scope.TRANSCRIBE, 0.0), Denied)
    assert isinstance(access.authorise(text, Scope.TRANSCRIBE, 0.0), Denied)


def test_limits_are_told_and_held(clock: Clock) -> None:
    key, text = made(sessions=1, requests_per_minute=2, audio_minutes_per_day=1)
    access = Access(Keyring((key,)), clock=clock)
    granted = access.authorise(text, Scope.TRANSCRIBE, 0.0)
    assert isinstance(granted, Grant)
    assert access.told_limits(granted) == {
        "key_sessions": 1, "key_requests_per_minute": 2, "key_audio_minutes_per_day": 1, "key_audio_left_s": 60.0,
    }  # fmt: skip
    with access.holding(granted):
        refused = access.too_many(granted)
    assert refused is not None
    assert (refused.status, refused.code, refused.message) == (429, "capacity", "This key has 1 sessions already.")
    assert access.too_many(granted) is None
    assert access.add_audio(granted, 59 * 16_000, 16_000) is None
    assert access.add_audio(granted, 16_000, 16_000) is not None
    assert access.told_limits(granted)["key_audio_left_s"] == 0
    assert isinstance(access.authorise(text, Scope.TRANSCRIBE, 0.0), Grant)
    too_fast = access.authorise(text, Scope.TRANSCRIBE, 0.0)
    assert isinstance(too_fast, Denied)
    assert (too_fast.status, too_fast.code, too_fast.retry_after_s) == (429, "rate_limited", 30)


def test_other_keys_take_effect_at_once_and_keep_what_was_counted(clock: Clock) -> None:
    key, text = made(audio_minutes_per_day=1)
    other, _ = made("bob")
    access = Access(Keyring((key, other)), clock=clock)
    granted = Grant(key)
    access.add_audio(granted, 30 * 16_000, 16_000)
    access.use(Keyring((replace(key, audio_minutes_per_day=0.25),)))
    assert access.why_over(granted) is None
    assert access.why_over(Grant(other)) == "its API key has been revoked"
    assert access.no_session(granted) is not None, "half a minute is more than a quarter"
    access.use(Keyring(()))
    assert access.why_over(granted) == "its API key has been revoked"
    assert denied(access, text)[0] == 401, "no keys in the file are not no keys"
    expiring = replace(key, expires=NOON)
    access.use(Keyring((expiring,)))
    assert access.why_over(granted) == "its API key has expired"


def test_parts_of_a_key() -> None:
    assert parse("ak_ab.cd.ef") == Presented("ab", "cd.ef")
    assert parse("ab.cd") == Presented("", "cd")
