"""The command line of the bench of speakers."""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import soundfile
from speakers.conversations import Conversation, alone, by_telephone, conversations
from speakers.errors import wrong_words
from speakers.live import told_live
from speakers.page import page
from speakers.voices import recorded, synthesised
from words.samples import Wanted, load_samples

import auricle
from auricle.core import Word
from auricle.engines.protocol import ENGINE_RATE, LoadProgress, Samples
from auricle.engines.speakers import registry
from auricle.engines.speakers.protocol import Embedding, VoiceEmbedder
from auricle.engines.speakers.second_pass import SecondPass

PAGE: Final = Path(__file__).parents[2] / "docs" / "speakers.md"
THRESHOLDS: Final = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
PAIRS: Final = 26
"""Conversations that are measured, evenly among those of each two."""
REAL_WORDS: Final = 6
"""Of which the words are recognised too."""
ROW: Final = "| {} | {} | {} | {:.1f} % | {:.1f} % | {} of {} |"


class Told(NamedTuple):
    """Who was told for each word, and who it was."""

    names: Sequence[str]
    speakers: Sequence[str]


class _At:
    """An embedder with another threshold, which remembers what it has heard."""

    name = "at"

    def __init__(self, inner: VoiceEmbedder, threshold: float, heard: dict[bytes, Embedding]) -> None:
        self.threshold = threshold
        self._inner = inner
        self._heard = heard

    def load(self, progress: LoadProgress) -> None:
        """Do nothing: it is loaded."""

    def embed(self, audio: Samples) -> Embedding:
        key = audio.tobytes()
        if key not in self._heard:
            self._heard[key] = self._inner.embed(audio)
        return self._heard[key]


def main() -> int:
    """Measure, print the tables, and write the page where that is asked for. Returns the exit code."""
    options = _options()
    embedder = registry.create(options.embedder)
    embedder.load(lambda stage, fraction: print(stage, flush=True))
    wanted = Wanted(kinds=("utterance", "long"), languages=("en",), understood=("en",))
    samples, _ = load_samples(options.speech, wanted)
    people, machines = recorded([one for one in samples if one.is_speech]), synthesised()
    pairs, lone = _evenly(conversations(people), PAIRS), alone(people)
    sets: list[tuple[str, Sequence[Conversation], Callable[[Samples], Samples]]] = [
        ("two people", pairs, lambda audio: audio),
        ("two people, by telephone", pairs, by_telephone),
        ("two synthesised voices", conversations(machines), lambda audio: audio),
        ("one person", lone, lambda audio: audio),
        ("one person, by telephone", lone, by_telephone),
    ]
    heard: dict[bytes, Embedding] = {}
    rows, sweep = [], []
    began, audio_s = time.process_time(), 0.0
    for name, talks, line in sets:
        told = [_told(_At(embedder, embedder.threshold, heard), talk, line(talk.audio)) for talk in talks]
        audio_s += sum(len(talk.audio) for talk in talks) / ENGINE_RATE
        rows.append(_row(name, talks, told))
        print(rows[-1], flush=True)
    cpu = (time.process_time() - began) / audio_s
    live = [told_live(_At(embedder, embedder.threshold, heard), talk) for talk in pairs]
    for name, of_each in (("with each final", [one.first for one in live]), ("at last", [one.last for one in live])):
        named = [Told(names, talk.speakers) for names, talk in zip(of_each, pairs, strict=True)]
        rows.append(_row(f"two people, live, as told {name}", pairs, named))
        print(rows[-1], flush=True)
    for threshold in THRESHOLDS:
        cells = []
        for _, talks, line in sets:
            told = [_told(_At(embedder, threshold, heard), talk, line(talk.audio)) for talk in talks]
            cells.append(f"{_error(told):.1f} %")
        sweep.append(f"| {threshold:.2f} | " + " | ".join(cells) + " |")
        print(sweep[-1], flush=True)
    if options.model:
        chosen = _evenly(pairs, REAL_WORDS)
        rows.append(_row(f"two people, words as {options.model} hears them", chosen, _recognised(chosen, options)))
        print(rows[-1], flush=True)
    if options.write:
        PAGE.write_text(page(rows, [name for name, _, _ in sets], sweep, len(people), cpu), encoding="utf-8")
    return 0


def _evenly(talks: Sequence[Conversation], most: int) -> Sequence[Conversation]:
    return [talks[index * len(talks) // most] for index in range(min(most, len(talks)))]


def _told(embedder: VoiceEmbedder, talk: Conversation, audio: Samples) -> Told:
    work = SecondPass(embedder)
    work.add(talk.words, audio, 0.0)
    (names,) = work.speakers()
    return Told(names, talk.speakers)


def _recognised(talks: Sequence[Conversation], options: argparse.Namespace) -> Sequence[Told]:
    """Transcribe conversations with a real model; a word is of whoever speaks in its middle."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for talk in talks:
            path = Path(folder) / "talk.wav"
            soundfile.write(path, talk.audio, ENGINE_RATE)
            words = auricle.transcribe(path, model=options.model, speakers=options.embedder).words
            found.append(Told([word.speaker or "" for word in words], [_speaker_at(talk, word) for word in words]))
    return found


def _speaker_at(talk: Conversation, word: Word) -> str:
    middle = (word.start + word.end) / 2
    nearest = min(range(len(talk.words)), key=lambda index: _distance(talk.words[index], middle))
    return talk.speakers[nearest]


def _distance(word: Word, at: float) -> float:
    return max(word.start - at, at - word.end, 0.0)


def _row(name: str, talks: Sequence[Conversation], told: Sequence[Told]) -> str:
    count = sum(len(set(one.names) - {""}) == len(set(one.speakers)) for one in told)
    minutes = sum(len(talk.audio) for talk in talks) / ENGINE_RATE / 60
    return ROW.format(
        name, len(talks), f"{minutes:.0f} min", _error(told),
        _error([Told(["A"] * len(one.speakers), one.speakers) for one in told]), count, len(talks),
    )  # fmt: skip


def _error(told: Sequence[Told]) -> float:
    wrong = sum(wrong_words(one.names, one.speakers) for one in told)
    return 100 * wrong / sum(len(one.speakers) for one in told)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/speakers/run.py", description=__doc__)
    parser.add_argument("--speech", type=Path, action="append", required=True, help="a manifest of clips; repeatable")
    parser.add_argument("--embedder", default="campplus", help="what tells speakers apart")
    parser.add_argument("--model", default="tiny.en", help="weights that recognise words; empty: none")
    parser.add_argument("--write", action="store_true", help="write docs/speakers.md")
    return parser.parse_args()
