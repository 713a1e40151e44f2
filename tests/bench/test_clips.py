"""Clips and tapes."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clips import LEAD_S, Clip, Word, conversation, load, turn_pause_s, with_pauses, within

from auricle.engines.protocol import ENGINE_RATE


def clip(name: str, seconds: float) -> Clip:
    words = (Word(text=name, start_s=0.1, end_s=seconds - 0.1),)
    return Clip(name=name, samples=np.full(round(seconds * ENGINE_RATE), 0.1, np.float32), text=name, words=words)


CLIPS = (clip("a", 3.0), clip("b", 1.5), clip("c", 6.0))


def manifest(folder: Path) -> Path:
    for name in ("x.flac", "y.flac"):
        soundfile.write(folder / name, np.zeros(ENGINE_RATE, np.float32), ENGINE_RATE)
    words = [{"word": "ask", "start": 0.2, "end": 0.9}]
    entries = [
        {"id": "ex", "path": "x.flac", "text": "Ask.", "words": words, "language": "en"},
        {"path": "y.flac", "text": "ask", "words": words},
        {"id": "unknown", "path": "z.flac", "text": None, "words": []},
        {"id": "german", "path": "z.flac", "text": "frag", "words": words, "language": "de"},
    ]
    path = folder / "manifest.jsonl"
    path.write_text("\n".join(json.dumps(entry) for entry in entries) + "\n")
    return path


def test_clips_of_both_kinds_of_manifest_are_loaded(tmp_path: Path) -> None:
    found = load(manifest(tmp_path), "en")
    assert [one.name for one in found] == ["ex", "y"]
    assert found[0].seconds == 1
    assert found[0].speech_end_s == 0.9


def test_a_manifest_without_a_clip_that_serves_is_refused(tmp_path: Path) -> None:
    path = manifest(tmp_path)
    path.write_text(path.read_text().splitlines()[-1])
    with pytest.raises(SystemExit, match="in 'en' has text"):
        load(path, "en")


def test_clips_are_chosen_to_fit() -> None:
    assert [one.name for one in within(CLIPS, 8.0)] == ["a", "b"]
    assert [one.name for one in within(CLIPS, 1.0)] == ["b"]


def test_words_are_where_their_clips_are() -> None:
    tape = with_pauses(CLIPS[:2])
    assert tape.text == "a b"
    assert [word.start_s for word in tape.words] == pytest.approx([LEAD_S + 0.1, LEAD_S + 3.0 + 0.8 + 0.1])
    for word in tape.words:
        middle = round((word.start_s + word.end_s) / 2 * ENGINE_RATE)
        assert tape.samples[middle] == np.float32(0.1)
    assert len(tape.pcm) == 2 * len(tape.samples)


def test_a_conversation_is_as_long_as_it_may_be() -> None:
    tape = conversation(CLIPS, 20.0, 0)
    assert 20 - min(one.seconds + turn_pause_s(one) for one in CLIPS) < tape.seconds - LEAD_S <= 20
    assert tape.seconds == pytest.approx(LEAD_S + sum(one.seconds + turn_pause_s(one) for one in tape.clips))
    assert conversation(CLIPS, 20.0, 1).clips[0].name == "b"
    assert [one.name for one in conversation(CLIPS, 1.0, 2).clips] == ["b"]
