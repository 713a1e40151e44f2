"""The page, from the results. Pure; `files.command` writes it."""

from collections.abc import Mapping, Sequence
from typing import Any

from files.programs import OURS

HEAD = """# An hour of M4A

Made by `python bench/files/run.py --speech MANIFEST --peer PROGRAM --write` (`pip install -e '.[bench]'`, and
whisper-ctranslate2 in an environment of its own); rendered again from its results by
`python bench/files/run.py render`.
"""
TAIL = """
## How to read it

* **The recording**: clips of English speech whose words are known, each with 0.6 s of silence behind it, all of them
  again and again in another order, as one M4A of a voice memo (AAC, 44.1 kHz, 64 kbit/s). The same file for all, one
  program after the other, with int8, as many threads as there are processors, and a beam of 5.
* **CPU**: processor seconds of the user and of the system, from the start of the program to its end, loading the model
  included. It is what counts where a machine is not idle; **wall** is how long it took beside it.
* **peak**: the most memory that was resident. Flat means that an hour takes no more than ten minutes do.
* **WER**: of the words in the SRT file, after Whisper's own normaliser. **S/D/I**: substituted, left out, put in.
* **The norm** of subtitles: at most 20 characters a second and 17 with ease; shown for 0.833 s at least; two frames
  (0.083 s) between cues; no line that ends in an article, a preposition or the like where another break serves; no cue
  of one word that could join its neighbours.
"""


def page(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the page."""
    lines = [HEAD]
    for one in results:
        lines += [*_section(one["meta"], one["programs"]), ""]
    return "\n".join(lines).rstrip() + "\n" + TAIL


def _section(meta: Mapping[str, Any], programs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    libraries = ", ".join(f"{name} {version}" for name, version in meta["libraries"].items())
    ours = programs[OURS]
    lines = [
        f"## {meta['model']}",
        "",
        f"{meta['date']}, `{meta['command']}`; {meta['audio_s'] / 60:.1f} minutes, {meta['words']:,} words; "
        f"{meta['cpu']}, {meta['cores']} cores (load before: {meta['load_before']}), Python {meta['python']}, "
        f"{libraries}, {meta['peer']}.",
        "",
        "|  | WER | S/D/I | CPU | CPU / ours | wall | wall / ours | × real time | peak, 10 min | peak, the hour |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    lines += [_cost_row(name, each, ours, meta["audio_s"]) for name, each in programs.items()]
    lines += [
        "",
        "### Subtitles",
        "",
        "|  | cues | fastest | median | over 20 / over 17 | shortest | too short | least gap | gaps too short "
        "| weak line ends | one word | longest line |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    return lines + [_norm_row(name, each["subtitles"]) for name, each in programs.items()]


def _cost_row(name: str, each: Mapping[str, Any], ours: Mapping[str, Any], audio_s: float) -> str:
    errors, cost, short = each["errors"], each["cost"], each["cost_10_min"]
    counts = f"{errors['substitutions']}/{errors['deletions']}/{errors['insertions']}"
    return (
        f"| {name} | {errors['rate']:.1%} | {counts} "
        f"| {cost['cpu_s']:,.0f} s | {cost['cpu_s'] / ours['cost']['cpu_s']:.2f} "
        f"| {cost['wall_s']:,.0f} s | {cost['wall_s'] / ours['cost']['wall_s']:.2f} | {audio_s / cost['wall_s']:.1f} "
        f"| {_megabytes(short)} | {_megabytes(cost)} |"
    )


def _megabytes(cost: Mapping[str, Any]) -> str:
    return f"{cost['peak_bytes'] / 1e6:,.0f} MB"


def _norm_row(name: str, norm: Mapping[str, Any]) -> str:
    return (
        f"| {name} | {norm['cues']} | {norm['fastest']} | {norm['median_speed']} "
        f"| {norm['too_fast']} / {norm['over_target']} | {norm['shortest_s']} s | {norm['too_short']} "
        f"| {norm['least_gap_s']} s | {norm['gaps_too_short']} | {norm['weak_ends']} of {norm['lines']} "
        f"| {norm['one_word']} | {norm['longest_line']} |"
    )
