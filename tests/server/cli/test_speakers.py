"""Who said it, in documents: by the fake, which tells voices apart by their loudness."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from engines.speakers.fake_embedder import FakeEmbedder

import auricle
from auricle.engines.protocol import EngineError, Samples
from auricle.engines.speakers import registry
from auricle.engines.speakers.protocol import Embedding
from server.cli.test_commands import auricle as command

TURN_S = 8
LEVELS = (0.3, 0.5, 0.3)


@pytest.fixture
def conversation(tmp_path: Path) -> Path:
    """Twenty-four seconds, in which the scripted engine counts; the second third is louder."""
    path = tmp_path / "conversation.wav"
    soundfile.write(path, np.repeat(LEVELS, TURN_S * 16_000), 16_000)
    return path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeEmbedder]:
    class Fake(FakeEmbedder):
        """One that a test may change."""

    monkeypatch.setattr(registry, "create", lambda name: Fake())
    return Fake


def test_each_word_of_a_document_has_its_speaker(conversation: Path, fake: type[FakeEmbedder]) -> None:
    result = command("transcribe", conversation, "--format", "json", "--speakers", "fake")
    assert result.exit_code == 0, result.stderr
    words = [word for segment in json.loads(result.stdout)["segments"] for word in segment["words"]]
    assert {word["speaker"] for word in words} == {"A", "B"}
    for word in words:
        middle = (word["start"] + word["end"]) / 2
        if min(abs(middle - border) for border in (TURN_S, 2 * TURN_S)) > 1:
            assert word["speaker"] == ("B" if TURN_S < middle < 2 * TURN_S else "A")


def test_nobody_is_named_where_nobody_asked(conversation: Path) -> None:
    document = json.loads(command("transcribe", conversation, "--format", "json").stdout)
    assert {word["speaker"] for segment in document["segments"] for word in segment["words"]} == {None}


def test_the_plain_call_has_them_too(conversation: Path, fake: type[FakeEmbedder]) -> None:
    heard = auricle.transcribe(conversation, engine="scripted", speakers="fake")
    assert {word.speaker for word in heard.words} == {"A", "B"}
    assert heard.complete


def test_a_failure_costs_the_names_and_not_the_words(
    conversation: Path, fake: type[FakeEmbedder], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: FakeEmbedder, audio: Samples) -> Embedding:
        raise EngineError("the network is gone.")

    monkeypatch.setattr(fake, "embed", fail)
    result = command("transcribe", conversation, "--format", "json", "--speakers", "fake")
    assert result.exit_code == 0
    assert "Who speaks cannot be told: the network is gone." in result.stderr
    document = json.loads(result.stdout)
    assert document["text"].startswith("one two three")
    assert {word["speaker"] for segment in document["segments"] for word in segment["words"]} == {None}


def test_what_is_not_there_is_said_before_the_work(conversation: Path) -> None:
    result = command("transcribe", conversation, "--format", "json", "--speakers", "nobody")
    assert result.exit_code != 0
    assert "There is no 'nobody' that tells speakers apart" in result.stderr
    assert result.stdout == ""


def test_formats_without_a_place_for_names_are_refused(conversation: Path) -> None:
    result = command("transcribe", conversation, "--speakers", "campplus")
    assert result.exit_code != 0
    assert "only --format json has a place" in result.stderr
