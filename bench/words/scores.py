"""One column of the page: what a system made of all clips, as numbers. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clips import Word
from metrics import changed_words, summary, words_of
from normal import Errors, align, normal
from words.heard import Heard, Hearing, Told
from words.loops import loops
from words.samples import TAPE, Sample

Scores = dict[str, Any]
ALL = "all"
"""The clips of the manifest. Tapes are made of them, and not counted twice."""
LONG_CLIP_S = 3.0
"""Whoever speaks longer than that is to see something before the end."""


def scores(samples: Sequence[Sample], hearing: Hearing) -> Scores:
    """Return the rows of one column."""
    by_name = {sample.name: sample for sample in samples}
    pairs = [(by_name[heard.clip], heard) for heard in hearing.heard]
    speech = [(sample, heard) for sample, heard in pairs if sample.is_speech]
    told = [final for _, heard in speech for final in heard.finals]
    return {
        "wer": _by_kind(speech),
        "behind_pauses": behind_pauses(speech),
        **_loops(speech),
        "nonspeech": {
            "clips": sum(not sample.is_speech for sample, _ in pairs),
            "words": sum(len(words_of(heard.text)) for sample, heard in pairs if not sample.is_speech),
        },
        "contradicted": sum(contradicted(final) for _, heard in pairs for final in heard.finals),
        "partials": sum(heard.partials for _, heard in speech),
        "instability": instability(told),
        "finals": len(told),
        "text_against_words": text_against_words([final for _, h in pairs if h.has_words for final in h.finals]),
        "word_start_error_s": summary(e for sample, heard in speech for e in start_errors(sample.clip.words, heard)),
        "final_delay_s": summary(delay for _, heard in speech for delay in heard.final_delays_s),
        "first_word_delay_s": summary(delay for _, heard in speech for delay in heard.first_word_delays_s),
        "partial_gap_s": summary(gap for _, heard in speech for gap in heard.partial_gaps_s),
        "long_clips": sum(sample.clip.seconds > LONG_CLIP_S for sample, _ in speech),
        "long_clips_without_partial": sum(
            sample.clip.seconds > LONG_CLIP_S and not heard.partials for sample, heard in speech
        ),
        "incomplete": sorted(heard.clip for _, heard in pairs if heard.problem is not None),
        "audio_s": round(sum(sample.clip.seconds for sample, _ in pairs), 1),
        "cpu_s": round(hearing.cpu_s, 3),
        "wall_s": round(hearing.wall_s, 1),
        "late_s": round(hearing.late_s, 3),
        "refusals": hearing.refusals,
        "admission_s": round(hearing.admission_s, 1),
        "clips": {sample.name: _counts(errors_of(sample, heard)) for sample, heard in pairs},
    }


def errors_of(sample: Sample, heard: Heard) -> Errors:
    """Return the errors in one clip; in what is not speech, every word."""
    return align(normal(sample.clip.text, sample.language), normal(heard.text, sample.language)).errors


def _by_kind(pairs: Iterable[tuple[Sample, Heard]]) -> dict[str, Any]:
    errors: dict[str, Errors] = {}
    for sample, heard in pairs:
        if sample.has_reference:
            for group in (TAPE,) if sample.kind == TAPE else (sample.kind, ALL):
                errors[group] = errors.get(group, Errors()) + errors_of(sample, heard)
    return {kind: {"rate": found.rate, **_counts(found)} for kind, found in errors.items()}


def _counts(errors: Errors) -> dict[str, int]:
    return {
        "substitutions": errors.substitutions,
        "deletions": errors.deletions,
        "insertions": errors.insertions,
        "words": errors.words,
    }


def behind_pauses(pairs: Iterable[tuple[Sample, Heard]]) -> dict[str, dict[str, int]]:
    """Return the words of tapes by the seconds of quiet before their utterance: how many, and how many are missed.

    Missed are those that were left out or heard as others. Nobody knows to which utterance words belong that were put
    in.
    """
    found: dict[float, dict[str, int]] = {}
    for sample, heard in pairs:
        said = [(part, word) for part in sample.parts for word in normal(part.text, sample.language)]
        right = align([word for _, word in said], normal(heard.text, sample.language)).equal if said else ()
        hits = {place for place, _ in right}
        for place, (part, _) in enumerate(said):
            if part.pause_s:
                counts = found.setdefault(part.pause_s, {"words": 0, "missed": 0})
                counts["words"] += 1
                counts["missed"] += place not in hits
    return {f"{pause_s:g}": found[pause_s] for pause_s in sorted(found)}


def cost(column: Mapping[str, Any], offline: Mapping[str, Any] | None) -> float | None:
    """Return the CPU time for a second of audio, in that of ``offline``: one of both may have heard no tapes."""
    if not offline or not offline["cpu_s"] or not column["audio_s"]:
        return None
    return float(column["cpu_s"] / column["audio_s"] / (offline["cpu_s"] / offline["audio_s"]))


def _loops(pairs: Iterable[tuple[Sample, Heard]]) -> dict[str, Any]:
    found = []
    for sample, heard in pairs:
        if sample.has_reference:
            said, text = normal(sample.clip.text, sample.language), normal(heard.text, sample.language)
            for run in loops(said, text, align(said, text).inserted):
                found.append({"clip": sample.name, "unit": " ".join(run.unit), "times": run.times})
    return {"loops": found}


def contradicted(final: Told) -> int:
    """Return how many promises of an utterance were not kept by what came next, a partial or the final."""
    broken, promised = 0, ""
    for text, stable in [*((shown.text, shown.stable) for shown in final.partials), (final.text, 0)]:
        if not text.startswith(promised):
            broken += 1
            promised = ""
        promised = max(promised, text[:stable], key=len)
    return broken


def instability(finals: Iterable[Told]) -> float | None:
    """Return the changed words for each final word: shown, and then taken back or replaced."""
    changed = total = 0
    for final in finals:
        if final.partials:
            changed += changed_words([*(shown.text for shown in final.partials), final.text])
            total += len(words_of(final.text))
    return changed / total if total else None


def text_against_words(finals: Sequence[Told]) -> dict[str, Any]:
    """Return how far the text of finals is from their own words: both should be one thing.

    Spaces do not count: where a language has none, its words have none between them.
    """
    errors, differing = Errors(), 0
    for final in finals:
        text, words = words_of(final.text), words_of(" ".join(word.text for word in final.words))
        if "".join(text) != "".join(words):
            differing += 1
            errors += align(words, text).errors
        else:
            errors += Errors(words=len(words))
    return {"finals": len(finals), "differing": differing, "rate": errors.rate}


def start_errors(reference: Sequence[Word], heard: Heard) -> list[float]:
    """Return how far the starts of words lie from those of the reference, where both have the same word."""
    said, told = _single_words(reference), _single_words(heard.words)
    found = align([text for text, _ in said], [text for text, _ in told])
    return [abs(said[one][1] - told[other][1]) for one, other in found.equal] if said and told else []


def _single_words(words: Iterable[Word]) -> list[tuple[str, float]]:
    """Return words and their starts; what is not one word by our count has no start of its own."""
    bare = ((words_of(word.text), word.start_s) for word in words)
    return [(parts[0], start_s) for parts, start_s in bare if len(parts) == 1]
