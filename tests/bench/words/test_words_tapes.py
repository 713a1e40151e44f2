"""Tapes of a manifest's utterances: how they are made, and that they show what a pause does to the words behind it."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
import soundfile
from clips import LEAD_S, Clip, Word
from words.heard import Heard, Hearing, Told
from words.room_tone import room_tone
from words.samples import TAPE, Part, Sample, Wanted
from words.scores import scores
from words.tapes import LONGEST_S, MEAN_PAUSE_S, PAUSES_S, TAPE_S, tapes_of, wanted_tapes
from words.verdicts import verdicts
from words.virtual import Virtual, fixed

from auricle.engines.protocol import ENGINE_RATE, Samples, TimedWord, Transcript, Window
from bench.words.test_virtual import Counting

COLOURS = ("red", "green", "blue", "pink", "black", "brown", "white", "gold")
LEVEL = 0.1
"""The amplitude of the first word; each of the others is so much louder than the one before."""
WORD_S, EDGE_S = 0.3, 0.1
ROOM = 0.001
"""The noise at both edges of a clip."""


def utterance(name: str, text: str, speaker: str | None = None, language: str = "en") -> Sample:
    """Each word is a level, and it is not quite silent before and behind them."""
    words = text.split()
    room = ROOM * np.random.default_rng(len(name)).standard_normal((2, round(EDGE_S * ENGINE_RATE))).astype(np.float32)
    levels = [LEVEL * (1 + COLOURS.index(word)) if word in COLOURS else LEVEL for word in words]
    said = np.repeat(np.asarray(levels, np.float32), round(WORD_S * ENGINE_RATE))
    begins_s = [EDGE_S + WORD_S * n for n in range(len(words))]
    clip = Clip(
        name=name,
        samples=np.concatenate([room[0], said, room[1]]),
        text=text,
        words=tuple(Word(text=w, start_s=s, end_s=s + WORD_S) for w, s in zip(words, begins_s, strict=True)),
    )
    return Sample(clip=clip, kind="utterance", language=language, has_reference=True, speaker=speaker)


def utterances(seconds: float, speaker: str | None) -> Iterator[Sample]:
    """So many seconds of them, with the pauses that they will have."""
    random, number = Random(speaker), 0
    while seconds > 0:
        drawn = random.choices(COLOURS, k=random.randint(3, 9))
        text = " ".join(word for word, _ in groupby(drawn))
        sample = utterance(f"{speaker}-{number}", text, speaker)
        yield sample
        seconds -= sample.clip.seconds + MEAN_PAUSE_S
        number += 1


def speech() -> list[Sample]:
    return [*utterances(2.2 * TAPE_S, "ann"), *utterances(0.5 * TAPE_S, "ben"), *utterances(0.8 * TAPE_S, None)]


def speakers(tape: Sample, said: Sequence[Sample]) -> set[str | None]:
    by_text = {sample.clip.text: sample.speaker for sample in said}
    return {by_text[part.text] for part in tape.parts}


def test_tapes_are_the_same_in_every_run() -> None:
    said = speech()
    tapes, again = tapes_of(said), tapes_of(said[::-1])
    assert [tape.name for tape in tapes] == ["tape-en-1", "tape-en-2", "tape-en-3"]
    for one, other in zip(tapes, again, strict=True):
        assert one.parts == other.parts
        assert np.array_equal(one.clip.samples, other.clip.samples)


def test_some_have_one_speaker_and_the_rest_is_mixed() -> None:
    said = speech()
    assert [len(speakers(tape, said)) for tape in tapes_of(said)] == [1, 1, 3]


def test_a_tape_is_its_utterances_with_pauses_of_every_length() -> None:
    tapes = tapes_of(speech())
    pauses = [part.pause_s for tape in tapes for part in tape.parts if part.pause_s]
    assert {tape.parts[0].pause_s for tape in tapes} == {0.0}
    assert set(pauses) == set(PAUSES_S)
    assert max(map(pauses.count, PAUSES_S)) - min(map(pauses.count, PAUSES_S)) <= 1
    texts = [part.text for tape in tapes for part in tape.parts]
    assert len(texts) == len(set(texts)), "none comes twice"
    for tape in tapes:
        assert (tape.kind, tape.language, tape.has_reference) == (TAPE, "en", True)
        assert tape.clip.text == " ".join(part.text for part in tape.parts)
        assert TAPE_S - 10 < tape.clip.seconds < TAPE_S + 5
        end_s = LEAD_S
        words = iter(tape.clip.words)
        for part in tape.parts:
            for place, text in enumerate(part.text.split()):
                word = next(words)
                assert word.text == text
                assert word.start_s == pytest.approx(end_s + part.pause_s + EDGE_S + WORD_S * place)
                middle = round((word.start_s + word.end_s) / 2 * ENGINE_RATE)
                assert tape.clip.samples[middle] == pytest.approx(LEVEL * (1 + COLOURS.index(text)))
            end_s += part.pause_s + 2 * EDGE_S + WORD_S * len(part.text.split())


def test_half_of_them_are_quiet_like_a_room() -> None:
    for number, tape in enumerate(tapes_of(speech()), 1):
        begin = round((tape.clip.words[len(tape.parts[0].text.split()) - 1].end_s + EDGE_S) * ENGINE_RATE) + 1
        pause = tape.clip.samples[begin : begin + round(tape.parts[1].pause_s * ENGINE_RATE) - 2]
        assert bool(pause.any()) == (number % 2 == 0)
        assert np.abs(pause).max() < 10 * ROOM


def test_room_tone_is_as_loud_as_the_quietest_of_the_clip_and_has_its_spectrum() -> None:
    time_s = np.arange(ENGINE_RATE) / ENGINE_RATE
    hum = (0.01 * np.sin(2 * np.pi * 500 * time_s)).astype(np.float32)
    clip = Clip(name="hum", samples=np.concatenate([hum, 30 * hum, 0 * hum]), text="", words=())
    tone = room_tone(clip, ENGINE_RATE)
    assert np.sqrt((tone**2).mean()) == pytest.approx(0.01 / np.sqrt(2), rel=0.05)
    spectrum = np.abs(np.fft.rfft(tone)) ** 2
    assert spectrum[400:600].sum() > 0.9 * spectrum.sum()
    assert np.array_equal(tone, room_tone(clip, ENGINE_RATE)), "the same in every run"
    assert not room_tone(Clip(name="zeros", samples=0 * hum, text="", words=()), 100).any()
    assert len(room_tone(clip, 0)) == 0


def test_what_cannot_stand_before_another_is_on_no_tape() -> None:
    colours = list(utterances(1.1 * TAPE_S, "ann"))
    unfit = [
        utterance("number", "red in eighteen thirteen", "ann"),
        utterance("long", " ".join(["red", "green"] * round(LONGEST_S / WORD_S / 2)), "ann"),
        utterance("empty", "", "ann"),
    ]
    texts = {part.text for tape in tapes_of(colours + unfit * 20) for part in tape.parts}
    assert texts
    assert not texts & {sample.clip.text for sample in unfit}


def test_languages_have_tapes_of_their_own_and_too_few_utterances_make_none() -> None:
    english = list(utterances(1.5 * TAPE_S, "ann"))
    german = [utterance(f"de-{n}", f"{sample.clip.text}", "ute", "de") for n, sample in enumerate(english)]
    assert [tape.name for tape in tapes_of(english + german)] == ["tape-de-1", "tape-en-1"]
    assert tapes_of(english[:5]) == []


def test_words_have_times_on_tapes_whose_every_clip_has_them() -> None:
    said = list(utterances(1.5 * TAPE_S, "ann"))
    untimed = [
        Sample(
            clip=Clip(name=s.name, samples=s.clip.samples, text=s.clip.text, words=()),
            kind=s.kind,
            language=s.language,
            has_reference=True,
        )
        for s in said[::2]
    ]
    (tape,) = tapes_of(untimed + said[1::2])
    assert not tape.clip.words
    assert tape.clip.text


def test_tapes_are_wanted_by_kind_and_by_name(tmp_path: Path) -> None:
    entries = []
    for sample in utterances(2.4 * TAPE_S, "ann"):
        soundfile.write(tmp_path / f"{sample.name}.flac", sample.clip.samples, ENGINE_RATE)
        entries.append({"id": sample.name, "path": f"{sample.name}.flac", "text": sample.clip.text, "speaker": "ann"})
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("\n".join(map(json.dumps, entries)))

    def names(**wanted: Sequence[str]) -> list[str]:
        return [tape.name for tape in wanted_tapes([manifest], Wanted(**wanted))]

    assert names() == names(kinds=["tape"]) == names(kinds=["utterance", "tape"]) == ["tape-en-1", "tape-en-2"]
    assert names(names=["tape-en-2"]) == ["tape-en-2"]
    assert names(names=["ann-0"]) == names(kinds=["utterance"]) == names(languages=["de"]) == []


class Levels(Counting):
    """Hears a word in each level. One that stops does so at the first pause: its text ends before what is behind it."""

    def __init__(self, *, stops: bool) -> None:
        super().__init__()
        self.stops = stops

    def _decode(self, window: Window) -> Transcript:
        words: list[TimedWord] = []
        for level, begin, end in _runs(np.rint(window.audio / LEVEL).astype(int)):
            if 1 <= level <= len(COLOURS) and end - begin > 0.5 * WORD_S * ENGINE_RATE:
                start_s, end_s = begin / ENGINE_RATE, end / ENGINE_RATE
                words.append(TimedWord(text=COLOURS[level - 1], start_s=start_s, end_s=end_s))
            elif self.stops and words and level == 0 and end - begin > 0.2 * ENGINE_RATE:
                break
        return Transcript(text=" ".join(word.text for word in words), words=tuple(words), confidence=1.0)


def _runs(levels: Samples) -> Iterator[tuple[int, int, int]]:
    edges = [0, *(np.flatnonzero(np.diff(levels)) + 1), len(levels)]
    for begin, end in pairwise(edges):
        if end > begin:
            yield int(levels[begin]), int(begin), int(end)


def heard_by(engine: Levels, samples: Sequence[Sample]) -> Hearing:
    live = Virtual(
        engine=lambda: engine, silence_s=0.5, frame_s=0.1, delay=fixed(0.05), detect_language=False, interval_s=0.0
    )
    return live.hear(samples, lambda name: None)


def test_a_decoder_that_ends_its_text_at_a_pause_is_seen_on_tapes_only() -> None:
    said = list(utterances(2.2 * TAPE_S, "ann"))
    samples = [*said[:8], *tapes_of(said)]
    columns = {"plain-beam5": scores(samples, heard_by(Levels(stops=False), samples))}
    columns["live-virtual-0.5"] = faulty = scores(samples, heard_by(Levels(stops=True), samples))
    assert columns["plain-beam5"]["wer"]["tape"]["rate"] == 0
    assert faulty["wer"]["all"]["rate"] == faulty["wer"]["utterance"]["rate"] == 0, "each clip alone has no pause"
    assert faulty["wer"]["tape"]["deletions"] >= 10
    missed = {pause_s: one["missed"] / one["words"] for pause_s, one in faulty["behind_pauses"].items()}
    assert missed.pop("0.3") > 0.8, "the window goes on over it; a word that comes again may be taken for another"
    assert max(missed.values()) < 0.1, "each ends the utterance"
    met = {verdict.what: verdict.met for verdict in verdicts({"columns": columns})}
    assert met["WER of live-virtual-0.5 / plain-beam5, tape"] is False
    assert met["WER of live-virtual-0.5 / plain-beam5, all"] is True


def test_a_sentence_that_is_lost_is_as_many_words_left_out() -> None:
    tape = Sample(
        clip=Clip(name="tape-en-1", samples=np.zeros(ENGINE_RATE, np.float32), text="red green. blue. pink", words=()),
        kind=TAPE,
        language="en",
        has_reference=True,
        parts=(
            Part(text="red green.", pause_s=0.0),
            Part(text="blue.", pause_s=0.3),
            Part(text="pink", pause_s=1.6),
        ),
    )
    finals = (Told(text="Red green."), Told(text="Ping."))
    hearing = Hearing(heard=(Heard(clip=tape.name, finals=finals, has_words=False),), cpu_s=1.0, wall_s=1.0)
    column = scores([tape], hearing)
    assert column["wer"] == {
        "tape": {"rate": 0.5, "substitutions": 1, "deletions": 1, "insertions": 0, "words": 4},
    }, "nothing of it counts for all clips"
    assert column["behind_pauses"] == {"0.3": {"words": 1, "missed": 1}, "1.6": {"words": 1, "missed": 1}}
