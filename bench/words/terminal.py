"""What is printed while it is measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from normal import align, normal
from words.heard import Hearing
from words.samples import TAPE, Sample
from words.scores import ALL, cost, errors_of
from words.systems import OFFLINE


def column_lines(name: str, found: Mapping[str, Any], columns: Mapping[str, Any]) -> list[str]:
    """Return a column in a few lines."""
    rates = ", ".join(f"{kind} {percent(one['rate'])}" for kind, one in found["wer"].items() if kind != ALL)
    every = found["wer"].get(ALL)
    ratio = cost(found, columns.get(OFFLINE))
    times = "" if ratio is None else f" ({ratio:.2f} ×)"
    loops = "; ".join(f"{one['clip']}: {one['unit']!r} × {one['times']}" for one in found["loops"])
    lines = [name]
    if every:
        sdi = f"{every['substitutions']}/{every['deletions']}/{every['insertions']}"
        lines.append(f"  WER {percent(every['rate'])} of {every['words']} words, S/D/I {sdi}; {rates}")
    if TAPE in found["wer"]:
        lines.append(f"  {_tapes(found)}")
    nonspeech = found["nonspeech"]
    lines.append(
        f"  loops {len(found['loops'])}{f' ({loops})' if loops else ''}; words in {nonspeech['clips']} clips of "
        f"non-speech {nonspeech['words']}; CPU {found['cpu_s']:.2f} s{times}; incomplete "
        f"{', '.join(found['incomplete']) or 'none'}"
    )
    if found["text_against_words"]["finals"]:
        against = found["text_against_words"]
        lines.append(
            f"  finals {found['finals']}, text differs from words in {against['differing']}; word start error "
            f"{spread(found['word_start_error_s'])}"
        )
    if found["partials"]:
        lines.append(
            f"  promises broken {found['contradicted']}; changed words / final word {found['instability']:.2f}; "
            f"final delay {spread(found['final_delay_s'])}; first word {spread(found['first_word_delay_s'])}; "
            f"partial to partial {spread(found['partial_gap_s'])}; long clips without a partial "
            f"{found['long_clips_without_partial']} of {found['long_clips']}"
        )
    if found["refusals"] is not None:
        lines.append(f"  refused {found['refusals']} times; the longest wait to be taken {found['admission_s']:.1f} s")
    return lines


def _tapes(found: Mapping[str, Any]) -> str:
    counts = found["wer"][TAPE]
    missed = (
        f"{percent(one['missed'] / one['words'])} behind {pause_s} s" for pause_s, one in found["behind_pauses"].items()
    )
    sdi = f"{counts['substitutions']}/{counts['deletions']}/{counts['insertions']}"
    return (
        f"tapes: {percent(counts['rate'])} of {counts['words']} words, S/D/I {sdi}; missed words: {', '.join(missed)}"
    )


def repeat_lines(name: str, found: Mapping[str, Any]) -> list[str]:
    """Return what came of hearing the same clips again and again."""
    same = found["clips"] - len(found["differing"])
    lines = [f"{name}: {same} of {found['clips']} clips with the same finals in each of {found['times']} runs"]
    return [*lines, *(f"  DIFFERENT {clip}" for clip in found["differing"])]


def case_lines(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the cases, a line each."""
    lines = [f"cases: {sum(case['passed'] for case in cases)} of {len(cases)} right"]
    for case in cases:
        mark = "right" if case["passed"] else "WRONG"
        if "problem" in case:
            lines.append(f"  {mark} {case['case']}: {case['problem']}")
            continue
        counts = f"file {case['file_errors']}, live {case['live_errors']}, allowed {case['allowed']}"
        lines.append(f"  {mark} {case['case']}: {counts}{'' if case['repeatable'] else ', not the same every time'}")
        if not case["passed"]:
            lines += [f"    file: {case['file_text']}", f"    live: {case['live_text']}"]
    return lines


def percent(rate: float | None) -> str:
    """Return a rate for a table."""
    return "—" if rate is None else f"{100 * rate:.1f} %"


def spread(values: Mapping[str, Any]) -> str:
    """Return p50 and p95, and how many values stand behind them."""
    if not values["n"]:
        return "—"
    return f"{values['p50']:.2f}/{values['p95']:.2f} s ({values['n']})"


def differences(samples: Sequence[Sample], hearing: Hearing) -> list[str]:
    """Return reference and text of each clip with errors."""
    by_name = {sample.name: sample for sample in samples}
    lines: list[str] = []
    for heard in hearing.heard:
        sample = by_name[heard.clip]
        if errors_of(sample, heard).count or heard.problem:
            said, text = normal(sample.clip.text, sample.language), normal(heard.text, sample.language)
            found = align(said, text).errors
            lines += [
                f"  {sample.name}: {found.substitutions}/{found.deletions}/{found.insertions} {heard.problem or ''}",
                f"    said:  {' '.join(said)}",
                f"    heard: {' '.join(text)}",
            ]
    return lines


def sweep_lines(sweep: Mapping[str, Any]) -> list[str]:
    """Return the errors over the length of the window, a line each."""
    lines = [f"{sweep['segments']} utterances"]
    for row in sweep["rows"]:
        lines.append(
            f"  {row['decoder']}, {row['frames']} frames: WER {percent(row['wer'])} of {row['words']} words in "
            f"{row['segments']} (at the longest {percent(row['wer_of_the_same_at_the_longest'])}), "
            f"run on {row['run_ons']}, {1000 * row['cpu_s']:.0f} ms"
        )
    return lines
