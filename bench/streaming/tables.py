"""The results of one model as Markdown. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bars import held, number, saturated, verdicts

Measure = Mapping[str, Any]
SYSTEMS = ("ours", "naive")
SOUNDS = ("silence", "noise", "tones", "clicks")


def section(results: Mapping[str, Any]) -> list[str]:
    """Return everything about one model."""
    measures = results["measures"]
    lines = [f"## {results['meta']['model']}", "", *_made_of(results["meta"]), ""]
    lines += ["| | bar | measured | |", "|---|---|---|---|"]
    lines += [f"| {v.what} | {v.bar} | {v.value} | {v.word} |" for v in verdicts(results)]
    lines.append("")
    for name, (title, render) in TABLES.items():
        measure = measures.get(name)
        if measure is None:
            continue
        lines += [f"### {title}", ""]
        if "skipped" in measure or "failed" in measure:
            lines += [f"Not measured: {measure.get('skipped') or measure.get('failed')}", ""]
        else:
            lines += [*render(measure), "", *_when(measure)]
    return lines


def _when(measure: Measure) -> list[str]:
    """Return when a measure was taken, and beside what: a run may be of one measure, and the others stay."""
    if "load_before" not in measure:
        return []
    return [f"*{measure['date']}, load {measure['load_before']} before it began.*", ""]


def _made_of(meta: Measure) -> list[str]:
    libraries = ", ".join(f"{name} {version}" for name, version in meta["libraries"].items())
    lines = [
        f"{meta['date']}, `{meta['command']}`; {meta['model_mb']} MB on disk, on the {meta['device']}; "
        f"{meta['cpu']}, {meta['cores']} cores (load {meta['load_before']} before it began), {meta['system']}, "
        f"Python {meta['python']}, {libraries}. {meta['silence_s']} s of silence end an utterance where delays are "
        f"measured; frames of {1000 * meta['frame_s']:g} ms; the engine in a {meta['isolation']} of its own."
    ]
    if meta["quick"]:
        lines += ["", "**A quick run: too little of everything to judge by.**"]
    return lines


def spread(summary: Measure, unit: str = "") -> str:
    """Return the median and the 95th percentile."""
    return f"{number(summary['p50'])} / {number(summary['p95'], unit)}" if summary["n"] else "—"


def share(value: float | None) -> str:
    """Return a share in percent."""
    return "—" if value is None else f"{value:.1%}"


def table(head: str, rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table whose first column is text."""
    columns = head.count("|") - 1
    return [head, "|---|" + "--:|" * (columns - 1), *("| " + " | ".join(row) + " |" for row in rows)]


def _offline(m: Measure) -> list[str]:
    rows = [
        (
            title,
            number(1000 * m[name]["cpu_per_audio_s"], "ms"),
            spread(m[name]["decode_s"], "s"),
            share(m[name]["wer"]),
        )
        for name, title in (("short", "our decoder, short window"), ("padded", "faster-whisper, beam 5, 30 s"))
    ]
    head = f"| {m['clips']} clips, {number(m['audio_s'])} s | CPU per second of audio | a decode, p50 / p95 | WER |"
    return table(head, rows)


def _solo(m: Measure) -> list[str]:
    def row(title: str, read: Callable[[Measure], str]) -> tuple[str, ...]:
        return title, *(read(m[system]) for system in SYSTEMS)

    rows = [
        row("CPU / offline short-window decode", lambda s: number(s["cpu_over_short"], "×")),
        row(
            "… of clips that are decoded one right after the other", lambda s: number(s["cpu_over_short_hurried"], "×")
        ),
        row("CPU / offline faster-whisper, beam 5, 30 s", lambda s: number(s["cpu_over_padded"], "×")),
        row("CPU per second of audio", lambda s: number(1000 * s["cpu_per_audio_s"], "ms")),
        row("final − end of speech, p50 / p95", lambda s: spread(s["after_speech_s"], "s")),
        row("final − endpoint, p50 / p95", lambda s: spread(s["after_endpoint_s"], "s")),
        row("… / one offline decode, p50 / p95", lambda s: spread(s["after_endpoint_over_decode"], "×")),
        row("endpoint − end of speech, p50 / p95", lambda s: spread(s["endpoint_after_speech_s"], "s")),
        row("from partial to partial, p50 / p95", lambda s: spread(s["update_gap_s"], "s")),
        row("word promised − word's end, p50 / p95", lambda s: spread(s["commit_s"], "s")),
        row("… / update interval, p50 / p95", lambda s: spread(s["commit_over_interval"], "×")),
        row("words promised before the final", lambda s: share(s["promised_early"])),
        row("changed partial words / final words", lambda s: number(s["instability"])),
        row("WER", lambda s: share(s["wer"])),
        row("finals / partials", lambda s: f"{s['finals']} / {s['partials']}"),
    ]
    return table(f"| {number(m['speech_s'])} s of speech in {number(m['tape_s'])} s | ours | naive |", rows)


def _ending(m: Measure) -> list[str]:
    if not m["complete"]:
        return ["A session did not end."]
    return [
        f"Everything decided − `end_input`, p50 / p95: {spread(m['after_end_input_s'], 's')}; "
        f"/ one offline decode of the clip: {spread(m['after_end_input_over_decode'], '×')} "
        f"({m['after_end_input_s']['n']} clips)."
    ]


def _instability(m: Measure) -> list[str]:
    return [
        f"Plain re-decoding, everything shown: {m['changed_words']} changed words for {m['final_words']} final ones, "
        f"{number(m['instability'])}. Ours and the naive one's are in the table of one session."
    ]


def _words(m: Measure) -> list[str]:
    return [
        f"{m['words']} words in {m['sessions']} sessions at {m['silence_s']} s of silence: WER {share(m['wer'])} "
        f"streaming, {share(m['offline_wer'])} offline in short windows, {share(m['padded_wer'])} offline in 30 s; "
        f"final − end of speech, p50 / p95: {spread(m['after_speech_s'], 's')}."
    ]


def _capacity(m: Measure) -> list[str]:
    rows = [
        (
            f"{system}, {trial['sessions']}",
            share(trial["wer"]),
            share(trial["offline_wer"]),
            f"{spread(trial['after_speech_s'], 's')} ({trial['after_speech_s']['n']})"
            + ("" if trial["complete"] else ", incomplete"),
            number(trial["unfairness"], "×"),
            spread(trial["update_gap_s"], "s"),
            number(trial["cores"]),
            number(1000 * trial["late_s"], "ms"),
        )
        for system in SYSTEMS
        for trial in sorted(m[system]["trials"], key=lambda trial: trial["sessions"])
    ]
    head = (
        "| sessions | WER | offline, the same clips | final − end of speech, p50 / p95 (n) | worst / median session "
        "| partial to partial | cores | harness late |"
    )
    over, full = m["overload"], saturated(m)
    lines = table(head, rows)
    lines += ["", f"Held at p95 ≤ {m['bar_s']} s: ours {held(m['ours'])}, naive {held(m['naive'])}."]
    if full is not None:
        lines[-1] += f" Saturation is at {full['sessions']} sessions."
    lines[-1] += (
        f" Overload: {over['sessions']} sessions, p95 {number(over['after_speech_s']['p95'], 's')}, "
        f"{over['unheard_words']} of {over['words']:,} words in no final ({over['unheard_alone']} expected from one "
        f"session alone), {over['words_missing']} words missing from what one session alone gets."
    )
    return lines


def _nonspeech(m: Measure) -> list[str]:
    rows = [
        (
            sound,
            str(m[sound]["words"]),
            str(m[sound]["partials"]),
            str(m[sound]["finals"]),
            f"{m[sound]['cpu_share']:.2%}",
        )
        for sound in SOUNDS
    ]
    head = f"| {m['seconds'] / 60:g} min each | words | partials | finals | CPU / duration, as fast as it goes |"
    idle = m["idle"]
    return [
        *table(head, rows),
        "",
        f"{idle['sessions']} silent sessions at the pace of speech: {idle['share_of_core']:.2%} of a core each, "
        f"voice detection included (and the harness {idle['harness_share_of_core']:.2%}, which is not counted).",
    ]


def _kills(m: Measure) -> list[str]:
    return [
        f"{m['kills']} kills during {m['sessions']} sessions: {m['unheard_words']} of {m['words']:,} words in no final "
        f"({m['unheard_alone']} expected from a session without kills), {m['words_missing']} words missing from texts."
    ]


def _padding(m: Measure) -> list[str]:
    rows = [
        (f"{row['pad_s']:g} s", share(row["wer"]), number(1000 * row["cpu_per_audio_s"], "ms")) for row in m["pads"]
    ]
    return table("| silence behind the words | WER | CPU per second of audio |", rows)


TABLES: dict[str, tuple[str, Callable[[Measure], list[str]]]] = {
    "offline": ("Offline", _offline),
    "solo": ("One session", _solo),
    "ending": ("The end of the input", _ending),
    "instability": ("Plain re-decoding", _instability),
    "words": ("Words", _words),
    "capacity": ("Many sessions", _capacity),
    "padding": ("Tail pad", _padding),
    "nonspeech": ("What is not speech", _nonspeech),
    "kills": ("Killing the engine", _kills),
}
