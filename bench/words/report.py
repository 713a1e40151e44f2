"""The results page as text. Pure; `words.command` writes it."""

from collections.abc import Mapping, Sequence
from typing import Any

from bars import number
from words.samples import KINDS, NONSPEECH
from words.scores import ALL, cost
from words.systems import OFFLINE
from words.terminal import percent, spread
from words.verdicts import verdicts

Columns = Mapping[str, Mapping[str, Any]]
HEAD = """# The right words, on Whisper's real weights

Made by `python bench/words/run.py --model NAME --speech MANIFEST --cases MANIFEST --write`, a run for each model
(`pip install -e '.[bench]'`); rendered again from its results by `python bench/words/run.py render`. Differences of
less than half a point are noise, and so is every kind with few words.
"""
TAIL = """
## How to read it

* **plain**: faster-whisper's `transcribe` with its defaults, one thread, int8, the same weights; the better of two
  runs, for it samples where it doubts; `-vad` with its own voice detection; **plain-cut-S**: on each utterance alone
  that S seconds of silence end, which is what cutting costs, whoever decodes. **files**: what `auricle transcribe`
  does with a recording. **live-S**: `auricle serve` in a process of its own and a client on the loopback, frames of
  100 ms at the pace of speech, partials on, S seconds of silence end an utterance, a session for each clip; **-x8**,
  **-x16**: so many sessions at once. **live-virtual-S**: the same in one process on virtual time, where a decode
  takes as long as it is told to; **-partials-N**: one every N seconds.
* **WER**: after Whisper's own normaliser (English; the basic one for other languages, by characters where they write
  no spaces), all words of a kind together. **S/D/I**: substituted, left out, put in.
* **tape**: several utterances of the manifest, one after the other, with 0.3 to 2.5 s of quiet between them, of zeros
  or with the noise of the room; half of the tapes have one speaker. **all** does not count them, for their words are
  those of the clips. Words are **missed** that were left out or heard as others. Older columns have no tapes.
* **loop**: words that are heard three times in a row or more, that the reference says less often, and of which some
  were put in. **words in non-speech**: in recordings in which nobody speaks.
* **promises**: a partial or a final that does not begin with what an earlier partial had called stable. **changed
  words**: shown and then taken back or replaced, those behind them included, for each word of finals.
* **text ≠ words**: finals whose text is not that of their own words. **word start**: distance from the start by the
  reference (forced alignment, good to about 0.1 s), of words that both have.
* **final**: final received − end of its last word, at endpoints only; so it holds the silence that was asked for.
  **first word**: something shown − end of the utterance's first word. The number behind each p95 is in brackets.
* **CPU**: of the server, or of the process, to plain faster-whisper with beam 5 on the same clips. **cores**: CPU time
  for each second it took. **late**: the latest frame, which the harness itself did not send in time. **refused**: how
  often the server refused a session, which came back when it was told to and spoke from when it was taken, and how
  long the one waited that waited longest. **load**: of the machine before it began; delays beside other work are too
  long.
"""


def page(results: Sequence[Mapping[str, Any]], images: Sequence[str]) -> str:
    """Return the page."""
    lines = [HEAD]
    for image in images:
        lines += [image, ""]
    for one in results:
        lines += _section(one)
    return "\n".join(lines).rstrip() + "\n" + TAIL


def _section(results: Mapping[str, Any]) -> list[str]:
    meta, columns = results["meta"], results["columns"]
    libraries = ", ".join(f"{name} {version}" for name, version in meta["libraries"].items())
    lines = [f"## {meta['model']}", ""]
    lines += [
        f"{meta['date']}, `{meta['command']}`; "
        f"{meta['clips']} clips, {meta['audio_s'] / 60:.1f} minutes{_tapes(meta)}; {meta['cpu']}, "
        f"{meta['cores']} cores, {meta['system']}, Python {meta['python']}, {libraries}; int8, on the cpu.",
        "",
    ]
    dates = {column["date"] for column in columns.values()}
    if len(dates) > 1:
        lines += [
            f"Columns are of different days, {min(dates)} to {max(dates)}: see the dates in the results file.",
            "",
        ]
    if columns:
        lines += [*_verdicts(results), *_words(columns), *_promises(columns), *_delays(columns)]
    if results.get("cases"):
        lines += _cases(results["cases"])
    if results.get("sweep"):
        lines += _sweep(results["sweep"])
    return lines


def _tapes(meta: Mapping[str, Any]) -> str:
    return f", and {meta['tapes']} tapes of {meta['tapes_s'] / 60:.1f} minutes" if meta.get("tapes") else ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table, and an empty line."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def _verdicts(results: Mapping[str, Any]) -> list[str]:
    rows = [[verdict.what, verdict.bar, verdict.value, verdict.word] for verdict in verdicts(results)]
    return table(["", "bar", "measured", ""], rows) if rows else []


def _words(columns: Columns) -> list[str]:
    seen = {kind for column in columns.values() for kind in column["wer"]} - {ALL}
    kinds = [ALL, *(k for k in KINDS if k in seen and k != NONSPEECH), *sorted(seen - set(KINDS))]
    words = {kind: one["words"] for column in [*columns.values()][::-1] for kind, one in column["wer"].items()}
    head = ["WER", *(f"{kind} ({words[kind]:,})" for kind in kinds)]
    rows = []
    for name, column in columns.items():
        every = column["wer"][ALL]
        rows.append(
            [
                name,
                *(percent(column["wer"].get(kind, {}).get("rate")) for kind in kinds),
                f"{every['substitutions']}/{every['deletions']}/{every['insertions']}",
                str(len(column["loops"])),
                str(column["nonspeech"]["words"]),
            ]
        )
    whole = table([*head, "S/D/I", "loops", "words in non-speech"], rows)
    return ["### Words", "", *whole, *_loops(columns), *_behind_pauses(columns)]


def _behind_pauses(columns: Columns) -> list[str]:
    having = {name: column["behind_pauses"] for name, column in columns.items() if column.get("behind_pauses")}
    pauses = sorted({pause_s for found in having.values() for pause_s in found}, key=float)
    if not pauses:
        return []
    words = {pause_s: one["words"] for found in having.values() for pause_s, one in found.items()}
    rows = [
        [name, *(percent(found[p]["missed"] / found[p]["words"]) if p in found else "—" for p in pauses)]
        for name, found in having.items()
    ]
    head = ["words missed on tapes, behind a pause of", *(f"{pause_s} s ({words[pause_s]})" for pause_s in pauses)]
    return table(head, rows)


def _loops(columns: Columns) -> list[str]:
    told = [
        f"* {name}, {one['clip']}: “{one['unit']}” {one['times']} times"
        for name, column in columns.items()
        for one in column["loops"]
    ]
    return ["Loops:", "", *told, ""] if told else []


def _promises(columns: Columns) -> list[str]:
    rows = [
        [
            name,
            str(column["finals"]),
            str(column["contradicted"]) if column["partials"] else "—",
            number(column["instability"]),
            str(column["text_against_words"]["differing"]),
            percent(column["text_against_words"]["rate"]),
            spread(column["word_start_error_s"]),
        ]
        for name, column in columns.items()
        if column["text_against_words"]["finals"]
    ]
    head = ["", "finals", "promises contradicted", "changed words / final word", "text ≠ words", "… WER"]
    return ["### What is told, and what was promised", "", *table([*head, "word start, p50/p95"], rows)] if rows else []


def _delays(columns: Columns) -> list[str]:
    offline = columns.get(OFFLINE)
    rows = [
        [
            name,
            percent(column["wer"][ALL]["rate"]),
            spread(column["final_delay_s"]),
            spread(column["first_word_delay_s"]),
            spread(column["partial_gap_s"]),
            f"{column['long_clips_without_partial']} of {column['long_clips']}" if column["partials"] else "—",
            number(cost(column, offline), "×"),
            number(column["cpu_s"] / column["wall_s"]) if column["wall_s"] else "—",
            number(column["late_s"], "s") if column["late_s"] else "—",
            _refused(column),
            number(column["load_before"]),
        ]
        for name, column in columns.items()
    ]
    head = ["p50/p95 (n)", "WER", "final", "first word", "partial to partial", "clips > 3 s without a partial"]
    return [
        "### Delay and cost, with the words they came with",
        "",
        *table([*head, "CPU", "cores", "late", "refused, longest wait", "load"], rows),
    ]


def _refused(column: Mapping[str, Any]) -> str:
    """Return how often sessions were refused, and for how long one waited: measured only since it is counted."""
    if column.get("refusals") is None:
        return "—"
    return f"{column['refusals']}, {number(column['admission_s'], 's')}"


def _cases(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        [
            case["case"],
            case["kind"],
            str(case["allowed"]),
            str(case.get("file_errors", case.get("problem", "—"))),
            str(case.get("live_errors", "—")),
            "right" if case["passed"] else "**wrong**",
        ]
        for case in cases
    ]
    return ["### Cases", "", *table(["", "kind of fault", "errors allowed", "as a file", "live, 0.5 s", ""], rows)]


def _sweep(sweep: Mapping[str, Any]) -> list[str]:
    rows = [
        [
            str(row["frames"]),
            row["decoder"],
            f"{row['segments']} of {sweep['segments']}",
            percent(row["wer"]),
            percent(row["wer_of_the_same_at_the_longest"]),
            str(row["run_ons"]),
            f"{1000 * row['cpu_s']:.0f} ms",
        ]
        for row in sweep["rows"]
    ]
    head = ["frames", "decoder", "utterances that fit", "WER", "the same at the longest", "run on by 3 words or more"]
    return ["### The length of the window", "", *table([*head, "CPU of a decode"], rows)]
