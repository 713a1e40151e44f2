"""What has to be reached, and whether a results file says that it was. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from bars import Verdict, number
from words.scores import ALL, cost
from words.systems import OFFLINE, WITHOUT

Columns = Mapping[str, Mapping[str, Any]]
LIKE = {
    "files": 1.02,
    **dict.fromkeys(("live-0.5", "live-0.5-x8", "live-0.5-x16", "live-virtual-0.5"), 1.05),
    **dict.fromkeys(("live-0.2", "live-0.2-x8", "live-virtual-0.2"), 1.15),
}
"""WER of these columns to that of plain faster-whisper with beam 5, at most."""
ENOUGH_WORDS = 100
"""A kind with fewer says nothing."""
ENOUGH_VALUES = 50
"""Behind a 95th percentile."""
SLOWEST_S = (
    ("live-0.5", "final_delay_s", 0.65),
    ("live-0.2", "final_delay_s", 0.4),
    ("live-0.5", "first_word_delay_s", 1.2),
    ("live-0.5-x8", "final_delay_s", 0.9),
    ("live-0.5-x8", "partial_gap_s", 1.5),
    ("live-0.5-x16", "final_delay_s", 1.1),
)
"""p95 in seconds, at most."""
NAMES = {
    "final_delay_s": "final − end of speech, p95",
    "first_word_delay_s": "first word − its end, p95",
    "partial_gap_s": "partial to partial, p95",
}
MOST_CPU = 2.0
"""Of one live session, to plain faster-whisper with beam 5."""


def verdicts(results: Mapping[str, Any]) -> list[Verdict]:
    """Return every bar that can be judged."""
    columns: Columns = results["columns"]
    found = [*_rates(columns), *_nothing_wrong(columns), *_delays(columns), *_cost(columns)]
    found += _repeats(results.get("repeats", {}))
    if results.get("cases"):
        right = sum(case["passed"] for case in results["cases"])
        found.append(
            _verdict("cases", "all", f"{right} of {len(results['cases'])}", met=right == len(results["cases"]))
        )
    return found


def _verdict(what: str, bar: str, value: str, *, met: bool | None) -> Verdict:
    return Verdict(what=what, bar=bar, value=value, met=met)


def _rates(columns: Columns) -> Iterator[Verdict]:
    if OFFLINE not in columns:
        return
    for name, most in LIKE.items():
        if name not in columns:
            continue
        for kind, plain in columns[OFFLINE]["wer"].items():
            ours = columns[name]["wer"].get(kind)
            if ours is None or (kind != ALL and plain["words"] < ENOUGH_WORDS):
                continue
            value = f"{ours['rate']:.1%} / {plain['rate']:.1%}"
            met = ours["rate"] <= most * plain["rate"]
            yield _verdict(f"WER of {name} / {OFFLINE}, {kind}", f"≤ {most:g} ×", value, met=met)


def _nothing_wrong(columns: Columns) -> Iterator[Verdict]:
    ours = {name: column for name, column in columns.items() if not name.startswith("plain")}
    if not ours:
        return
    counts = {
        "loops": {name: len(column["loops"]) for name, column in ours.items()},
        "words in non-speech": {name: column["nonspeech"]["words"] for name, column in ours.items()},
        "promises contradicted": {name: column["contradicted"] for name, column in ours.items()},
        "finals whose text differs from their words": {
            name: column["text_against_words"]["differing"] for name, column in ours.items()
        },
        "clips that did not end as they should": {name: len(column["incomplete"]) for name, column in ours.items()},
        "clips longer than 3 s without a partial": {
            name: column["long_clips_without_partial"]
            for name, column in ours.items()
            if name.startswith("live") and not name.endswith(WITHOUT)
        },
    }
    for what, found in counts.items():
        wrong = {name: count for name, count in found.items() if count}
        value = ", ".join(f"{name} {count}" for name, count in wrong.items()) or "0"
        yield _verdict(what, "0", value, met=not wrong)


def _repeats(repeats: Mapping[str, Mapping[str, Any]]) -> Iterator[Verdict]:
    for name, found in repeats.items():
        what = f"clips whose finals differ between {found['times']} runs, {name}"
        differing = len(found["differing"])
        yield _verdict(what, "0", f"{differing} of {found['clips']}", met=not differing)


def _delays(columns: Columns) -> Iterator[Verdict]:
    for name, row, most_s in SLOWEST_S:
        if name in columns and columns[name][row]["n"]:
            spread, rate = columns[name][row], columns[name]["wer"][ALL]["rate"]
            value = f"{number(spread['p95'], 's')} of {spread['n']}, at a WER of {rate:.1%}"
            enough = spread["n"] >= ENOUGH_VALUES
            met = spread["p95"] <= most_s if enough or spread["p95"] > most_s else None
            yield _verdict(f"{NAMES[row]}, {name}", f"≤ {most_s:g} s", value, met=met)


def _cost(columns: Columns) -> Iterator[Verdict]:
    times = cost(columns["live-0.5"], columns.get(OFFLINE)) if "live-0.5" in columns else None
    if times is not None:
        yield _verdict(f"CPU of live-0.5 / {OFFLINE}", f"≤ {MOST_CPU:g} ×", number(times, "×"), met=times <= MOST_CPU)
