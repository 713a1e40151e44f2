"""The page, from the results. Pure; `peers.command` writes it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

HEAD: Final = """# Other servers, and ours

Real-time servers that install from PyPI and take the same Whisper weights, one after the other in one run, on the same
machine, with the same clips at the same pace. Made by `python bench/peers/run.py --speech MANIFEST --write`
(`pip install -e '.[bench]'`; it installs each server into an environment of its own, with the versions below); rendered
again from its results by `python bench/peers/run.py render`.
"""
UNMEASURED: Final = """It has not been run on a machine with nothing else to do yet, and figures of a busy one would
say nothing: there are none here until it has. It takes about forty minutes."""
READING: Final = """
## How to read it

* **What is heard**: clips of English speech with known words and known times of words, dealt to tapes so that each
  tape has short and long ones, {pause_s:g} s of silence behind each clip. Every session hears a tape of its own, in
  frames of {frame_ms:.0f} ms, each sent when it would have been spoken; no clip comes twice in a row of the table,
  and every server hears the same tapes. A session alone hears three tapes, one after the other. One session before
  those that count lets each server load its model.
* **WER** and **S/D/I** (substituted, left out, put in) are of the whole text that stood at the end of a session, also
  of what a server had not called final yet, after Whisper's own English normaliser. What is **left out** are lost
  words: a session that breaks off loses all that it had not shown.
* **settled**: from the end of an utterance's last word to the moment from which it, and all text before it, stands as
  it does at the end. Nobody but the bench can know that moment; it favours no server's way of saying what is final,
  and a server that never says so is measured all the same. **told final**: the same until the server has *said* that
  this will not change, and kept to it. Both only for utterances whose last word was heard right; *n* says how many.
* **first word**: from the end of an utterance's first word to the first text of it.
* **ended**: sessions in which the server said in the way of its own protocol that this was all, within {patience_s:g}
  s of the last frame. **end**: how long that took from the moment when the client said that there is no more audio.
* **CPU**: processor seconds of the server and its children, over those that plain faster-whisper takes for the same
  clips offline (beam of 5, int8, one thread, each clip padded to 30 s). One is what the words cost without streaming.
* **held**: the most sessions at once of those tried at which all sessions end and words are settled within 1.5 s in
  95 of 100 utterances.
* Delays are p50 / p95, nearest rank.

## What is not fair in it

* It is our bench: we chose what is measured, and we know our server better than we know the others. Settings are
  theirs by default, but for the language, the weights, limits on clients, and what is said below; whoever knows
  better ones is asked to send them (`bench/peers/catalogue.py`).
* One run on one small machine without a GPU, tiny.en alone. Several of these servers are made for a GPU and larger
  models, where a decode again of everything costs little. Differences in WER below a point are noise here.
* The bench runs beside the server, on the same processors. How late its latest frame was is told, and the load of
  the machine just before each server was started: above the number of processors, others had part of them.
* Read, clean speech with pauses. Our server ends an utterance by silence, so pauses are what it is made for; none of
  the others is hindered by them.
* wyoming-faster-whisper is told the end of each utterance by the manifest. Real clients find it themselves, later or
  wrongly. For CPU it is the only one that decodes each utterance once, because it shows nothing before.
* WhisperLive's client waits until nothing has changed for 15 s, as it does itself; meanwhile the server decodes the
  same again and again, and that is counted as its CPU.
"""

TABLE_HEAD: Final = (
    "| | WER | S/D/I | words left out | ended | first word, s (n) | settled, s (n) | told final, s (n) | end, s "
    "| CPU |",
    "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
)


def page(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the page."""
    lines = [HEAD]
    if not results:
        lines.append(UNMEASURED)
    for one in results:
        lines += [*_section(one), ""]
    if results:
        meta = results[0]["meta"]
        lines.append(
            READING.format(
                pause_s=meta["pause_s"], frame_ms=meta["frame_s"] * 1e3, patience_s=meta["patience_s"]
            ).strip()
        )
        lines += ["", "## The servers and their settings", "", *_settings(results[0])]
    return "\n".join(lines).rstrip() + "\n"


def _section(one: Mapping[str, Any]) -> list[str]:
    meta, plain, servers = one["meta"], one["plain"], one["servers"]
    libraries = ", ".join(f"{name} {version}" for name, version in meta["libraries"].items())
    late_s = max((rung["late_s"] for server in servers.values() for rung in server["rungs"]), default=0.0)
    lines = [
        f"## {meta['model']}",
        "",
        f"{meta['date']}, `{meta['command']}`; {meta['clips']} clips, {meta['speech_s'] / 60:.1f} minutes of speech on "
        f"{meta['tapes']} tapes of {meta['audio_s'] / meta['tapes']:.0f} s; {meta['cpu']}, {meta['cores']} cores (load "
        f"before: {meta['load_before']}), Python {meta['python']}, {libraries}. Plain faster-whisper, offline: "
        f"{plain['rate']:.1%} ({_counts(plain)}). The latest frame was sent {late_s:.2f} s late.",
        "",
        "| | version | held at 1.5 s | load before | ends by itself |",
        "| --- | --- | --: | --: | --- |",
    ]
    lines += [_summary_row(server) for server in servers.values()]
    for at_once in sorted({rung["at_once"] for server in servers.values() for rung in server["rungs"]}):
        lines += [
            "",
            f"### {'One session' if at_once == 1 else f'{at_once} sessions at once'}",
            "",
            *TABLE_HEAD,
        ]
        for server in servers.values():
            lines += [_rung_row(server["title"], rung) for rung in server["rungs"] if rung["at_once"] == at_once]
    return lines


def _summary_row(server: Mapping[str, Any]) -> str:
    if server["failure"] is not None:
        version, load = server["version"] or "–", server["load_before"]
        return f"| {server['title']} | {version} | – | {load} | {_cell(server['failure'])} |"
    rungs = server["rungs"]
    ended, sessions = sum(rung["ended"] for rung in rungs), sum(rung["sessions"] for rung in rungs)
    failures = sorted({failure for rung in rungs for failure in rung["failures"]})
    ends = f"{ended} of {sessions} sessions" + "".join(f"; {_cell(failure)}" for failure in failures)
    tried = max(rung["at_once"] for rung in rungs)
    most = f"at least {server['held']}" if server["held"] == tried else server["held"]
    return f"| {server['title']} | {server['version']} | {most} | {server['load_before']} | {ends} |"


def _cell(text: str) -> str:
    """Return text that stays within its cell."""
    return " ".join(text.replace("|", "/").split())


def _rung_row(title: str, rung: Mapping[str, Any]) -> str:
    errors = rung["errors"]
    end_s = rung["end_s"]
    return (
        f"| {title} | {_rate(errors['rate'])} | {_counts(errors)} | {errors['deletions']} of {errors['words']} "
        f"| {rung['ended']} of {rung['sessions']} | {_delays(rung['first_word_s'])} | {_delays(rung['settled_s'])} "
        f"| {_delays(rung['told_final_s'])} | {_pair(end_s)} | {rung['cpu_x']:.1f} × |"
    )


def _rate(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.1%}"


def _counts(errors: Mapping[str, Any]) -> str:
    return f"{errors['substitutions']}/{errors['deletions']}/{errors['insertions']}"


def _delays(summary: Mapping[str, Any]) -> str:
    return f"{_pair(summary)} ({summary['n']})"


def _pair(summary: Mapping[str, Any]) -> str:
    return "–" if not summary["n"] else f"{summary['p50']:.2f} / {summary['p95']:.2f}"


def _settings(one: Mapping[str, Any]) -> list[str]:
    lines = [
        f"* **{server['title']}** {server['version'] or ''}: {server['settings']} End of audio: {server['ending']}."
        for server in one["servers"].values()
    ]
    lines += ["", "Not here, and why:", ""]
    return lines + [f"* **{name}** {why}." for name, why in one["left_out"].items()]
