"""The command line of the bench of words."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import machine
from kept_results import read_all
from words import store
from words.case_checks import check_cases
from words.repeats import repeated
from words.report import page
from words.samples import Sample, Wanted, load_samples
from words.scores import scores
from words.sweep import bare_decode, our_decode, segments, sweep
from words.systems import Models, Options, chosen, columns
from words.tapes import wanted_tapes
from words.terminal import case_lines, column_lines, differences, repeat_lines, sweep_lines
from words.virtual import Delay, fixed, measured

from auricle.engines.whisper.models.resolution import resolve_model

SPEECH = machine.ROOT / "tests" / "engines" / "speech" / "manifest.jsonl"
DOCS = machine.ROOT / "docs"
ACTIONS = {
    "measure": "every column that is asked for, and the cases",
    "repeat": "each column that is asked for again and again: are its finals the same?",
    "sweep": "errors over the length of the window",
    "render": "nothing: the page again, from the results that are kept",
}
Tell = Callable[[str], None]


def main() -> int:
    """Do what is asked. Returns the exit code."""
    options = _options()
    if options.action != "render":
        results = _measured(options)
        if options.out:
            store.write(options.out, results)
        if options.write:
            print(f"kept in {machine.general(str(store.keep(results)))}")
    if options.write or options.action == "render":
        render()
    return 0


def render(folder: Path = DOCS) -> None:
    """Write the page and its plots from all results that are kept."""
    results = read_all(store.RESULTS)
    drawn: dict[str, Path] = import_module("words.charts").draw(results, folder)  # matplotlib is needed here only
    images = [f"![{title}]({path.name})" for title, path in drawn.items()]
    (folder / "bench-words.md").write_text(page(results, images), encoding="utf-8")


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    models = Models(folder=resolve_model(options.model, lambda stage, fraction: None))
    wanted = Wanted(
        kinds=options.kinds,
        names=options.clips,
        languages=options.languages,
        understood=models.ours().info.languages,
    )
    manifests = options.speech or [SPEECH]
    samples, skipped = load_samples(manifests, wanted)
    for line in skipped:
        print(f"left out: {line}")
    tapes = [] if options.action == "sweep" else wanted_tapes(manifests, wanted)
    results: dict[str, Any] = {"kind": "words", "meta": _meta(options, samples, tapes), "columns": {}}
    tell = _progress if sys.stderr.isatty() else _silent
    if options.action == "sweep":
        results["sweep"] = _swept(models, samples, tell)
        print("\n".join(sweep_lines(results["sweep"])))
        return results
    delay = fixed(options.virtual_delay) if options.virtual_factor is None else measured(options.virtual_factor)
    if options.action == "repeat":
        results["repeats"] = _repeats(options, models, samples + tapes, delay, tell)
        return results
    results["columns"] = _columns(options, models, samples + tapes, delay, tell)
    if options.cases:
        results["cases"] = check_cases(options.cases, models.ours(), frame_s=options.frame, delay=delay)
        print("\n".join(case_lines(results["cases"])), flush=True)
    return results


def _columns(
    options: argparse.Namespace, models: Models, samples: Sequence[Sample], delay: Delay, tell: Tell
) -> dict[str, Any]:
    systems = columns(models, Options(frame_s=options.frame, delay=delay, detect_language=options.detect))
    found: dict[str, Any] = {}
    for name in chosen(list(systems), options.only) if samples else ():
        facts, begin_s = machine.facts(()), time.monotonic()
        hearing = systems[name].hear(samples, tell)
        found[name] = scores(samples, hearing) | {
            "took_s": round(time.monotonic() - begin_s, 1),
            "load_before": facts["load_before"],
            "date": facts["date"],
        }
        print("\n".join(column_lines(name, found[name], found)), flush=True)
        if options.show:
            print("\n".join(differences(samples, hearing)), flush=True)
    return found


def _repeats(
    options: argparse.Namespace, models: Models, samples: Sequence[Sample], delay: Delay, tell: Tell
) -> dict[str, Any]:
    systems = columns(models, Options(frame_s=options.frame, delay=delay, detect_language=options.detect))
    found: dict[str, Any] = {}
    for name in chosen(list(systems), options.only or ("files",)):
        found[name] = repeated(systems[name], samples, options.times, tell)
        print("\n".join(repeat_lines(name, found[name])), flush=True)
    return found


def _swept(models: Models, samples: Sequence[Sample], tell: Tell) -> dict[str, Any]:
    languages = {sample.language for sample in samples if sample.is_speech}
    if len(languages) > 1:
        raise SystemExit(f"Sweep one language at a time, not {', '.join(sorted(map(str, languages)))}.")
    language = next(iter(languages), None)
    decodes = {"bare": bare_decode(models.folder, language), "ours": our_decode(models.plain(), language)}
    return sweep(segments(samples), decodes, tell)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/words/run.py",
        description="Measure the words of plain faster-whisper and of ours, on the same weights and speech.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    what = "; ".join(f"{action}: {does}" for action, does in ACTIONS.items())
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="measure", help=what)
    parser.add_argument("--model", help="tiny.en, base, another name, or a folder")
    parser.add_argument("--speech", type=Path, nargs="+", metavar="MANIFEST", help="manifest.jsonl of clips; else ours")
    parser.add_argument("--cases", type=Path, metavar="MANIFEST", help="manifest.jsonl of cases with allowed errors")
    parser.add_argument("--only", nargs="+", default=(), metavar="COLUMN", help="these, or all that begin like this")
    parser.add_argument(
        "--kinds", nargs="+", default=(), metavar="KIND", help="clips of these kinds; tape: of several utterances"
    )
    parser.add_argument("--clips", nargs="+", default=(), metavar="ID", help="these clips")
    parser.add_argument("--languages", nargs="+", default=(), metavar="CODE", help="clips in these languages")
    parser.add_argument("--frame", type=float, default=0.1, help="seconds of audio in a frame of live sessions")
    parser.add_argument("--virtual-delay", type=float, default=0.15, help="seconds of a decode on virtual time")
    parser.add_argument("--virtual-factor", type=float, help="instead: times the CPU time that the decode took")
    parser.add_argument("--times", type=int, default=10, help="how often a column is repeated")
    parser.add_argument("--detect", action="store_true", help="leave the language of each clip to the model")
    parser.add_argument("--show", action="store_true", help="print each clip with errors")
    parser.add_argument("--out", type=Path, help="where the results are written as JSON")
    parser.add_argument("--write", action="store_true", help="keep the results, and render docs/bench-words.md")
    options = parser.parse_args()
    if options.action != "render" and not options.model:
        parser.error("--model is needed")
    if options.times < 2:
        parser.error("--times: two runs at least can differ")
    if options.write and (options.kinds or options.clips or options.languages) and options.action != "sweep":
        parser.error("a page is made of all clips: --write goes with none of --kinds, --clips and --languages")
    if (options.write or options.action == "render") and find_spec("matplotlib") is None:
        parser.error("the page's plots need matplotlib: pip install -e '.[bench]'")
    return options


def _meta(options: argparse.Namespace, samples: Sequence[Sample], tapes: Sequence[Sample]) -> dict[str, Any]:
    return machine.facts(sys.argv) | {
        "model": Path(options.model).name,
        "clips": len(samples),
        "audio_s": _lasting_s(samples),
        "tapes": len(tapes),
        "tapes_s": _lasting_s(tapes),
        "frame_s": options.frame,
    }


def _lasting_s(samples: Sequence[Sample]) -> float:
    return round(sum(sample.clip.seconds for sample in samples), 1)


def _progress(name: str) -> None:
    print(f"\033[K  {name}", end="\r", file=sys.stderr, flush=True)


def _silent(name: str) -> None:
    pass
