"""`Options`: what is refused, and the defaults of the environment."""

import pytest
from livekit.plugins.auricle.options import Options, asked_language, from_environment

from auricle.core import Turns


@pytest.mark.parametrize(
    "url", ["ws://host", "wss://host:1/path", "http://host", "https://host/ws?x=1", "ws://[::1]:8765"]
)
def test_good_urls(url: str) -> None:
    assert Options(url=url).url == url


@pytest.mark.parametrize("url", ["host:8765", "ftp://host", "ws://", "ws://user:pw@host", "ws://host:99999", ""])
def test_bad_urls_are_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(ValueError, match=r"auricle\.STT cannot use its url: .*\.") as caught:
        Options(url=url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [{"silence": -1.0}, {"max_segment": 100.0}, {"drain_timeout": 0.0}, {"max_backlog": -1.0},
     {"languages": ("x" * 40,)}, {"task": "sing"}, {"tags": ("x" * 65,)}, {"reference": "x" * 201},
     {"prompt": "x" * 3000}, {"preflight_after": -0.1}, {"language": "x" * 40}],
)  # fmt: skip
def test_bad_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own sentence
        Options(**wrong)  # type: ignore[arg-type]


def test_the_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AURICLE_URL", raising=False)
    monkeypatch.delenv("AURICLE_API_KEY", raising=False)
    assert from_environment(None, None) == ("ws://127.0.0.1:8765", None)
    monkeypatch.setenv("AURICLE_URL", "wss://ear")
    monkeypatch.setenv("AURICLE_API_KEY", "k")
    assert from_environment(None, None) == ("wss://ear", "k")
    assert from_environment("ws://other", "own") == ("ws://other", "own")


def test_the_key_is_not_in_the_repr() -> None:
    assert "k3y" not in repr(Options(api_key="k3y"))


def test_keyterms_of_user_and_framework_are_merged() -> None:
    bias = Options(keyterms=("a", "b"), session_keyterms=("b", "c"), prompt="p", context="q").bias
    assert (bias.terms, bias.prompt) == (("a", "b", "c"), "p q")


def test_too_many_keyterms_and_such_as_are_too_long_are_left_out() -> None:
    terms = ("x" * 201, *map(str, range(600)))
    assert Options(keyterms=terms).bias.terms == tuple(map(str, range(500)))
    assert Options(keyterms=("y",), session_keyterms=terms).bias.terms == ("y", *map(str, range(499)))


@pytest.mark.parametrize("language", ["auto", "multi", "AUTO", "", None])
def test_a_language_that_is_none_is_detected(language: str | None) -> None:
    assert asked_language(language) is None


def test_a_language_that_is_one_is_asked_for() -> None:
    assert asked_language("german") == "de"


def test_what_the_servers_log_is_told() -> None:
    client = Options(reference="call 7", tags=("sales", "de")).start().client
    assert client is not None
    assert (client.reference, client.tags) == ("call 7", ("sales", "de"))


def test_languages_and_task_are_asked_for() -> None:
    start = Options(languages=("de", "fr"), task="translate").start()
    assert (start.languages, start.task) == (("de", "fr"), "translate")


def test_the_rules_of_turns_are_asked_for() -> None:
    turns = Options(turn_threshold=0.8, turn_silence=0.3, turn_timeout=2.0).start().turns
    assert (turns.threshold, turns.silence_ms, turns.timeout_ms) == (0.8, 300, 2_000)
    assert Options().start().turns == Turns()
