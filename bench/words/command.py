"""The command line of the bench of words."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import machine
from words.case_checks import check_cases
from words.heard import Hearing
from words.normal import align, normal
from words.samples import Sample, Wanted, load_samples
from words.scores import errors_of, scores
from words.systems import Models, Options, chosen, columns
from words.terminal import case_lines, column_lines
from words.virtual import fixed, measured

from auricle.engines.whisper.models.resolution import resolve_model

SPEECH = machine.ROOT / "tests" / "engines" / "speech" / "manifest.jsonl"
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure what is asked for. Returns the exit code."""
    options = _options()
    models = Models(folder=resolve_model(options.model, lambda stage, fraction: None))
    languages = models.ours().info.languages
    wanted = Wanted(kinds=options.kinds, names=options.clips, languages=languages)
    samples, skipped = load_samples(options.speech or [SPEECH], wanted)
    for line in skipped:
        print(f"left out: {line}")
    delay = fixed(options.virtual_delay) if options.virtual_factor is None else measured(options.virtual_factor)
    common = Options(frame_s=options.frame, delay=delay, detect_language=options.detect)
    results: dict[str, Any] = {"kind": "words", "meta": _meta(options, samples), "columns": {}}
    systems = columns(models, common)
    for name in chosen(list(systems), options.only) if samples else ():
        begin_s, load = time.monotonic(), machine.facts(())["load_before"]
        hearing = systems[name].hear(samples, _progress if sys.stderr.isatty() else _silent)
        found = scores(samples, hearing)
        results["columns"][name] = found | {"took_s": round(time.monotonic() - begin_s, 1), "load_before": load}
        print("\n".join(column_lines(name, found, results["columns"])), flush=True)
        if options.show:
            print("\n".join(_differences(samples, hearing)), flush=True)
    if options.cases:
        results["cases"] = check_cases(options.cases, models.ours(), frame_s=options.frame, delay=delay)
        print("\n".join(case_lines(results["cases"])), flush=True)
    if options.out:
        options.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/words/run.py",
        description="Measure the words of plain faster-whisper and of ours, on the same weights and speech.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--model", required=True, help="tiny.en, base, another name, or a folder")
    parser.add_argument("--speech", type=Path, nargs="+", metavar="MANIFEST", help="manifest.jsonl of clips; else ours")
    parser.add_argument("--cases", type=Path, metavar="MANIFEST", help="manifest.jsonl of cases with allowed errors")
    parser.add_argument("--only", nargs="+", default=(), metavar="COLUMN", help="these, or all that begin like this")
    parser.add_argument("--kinds", nargs="+", default=(), metavar="KIND", help="clips of these kinds")
    parser.add_argument("--clips", nargs="+", default=(), metavar="ID", help="these clips")
    parser.add_argument("--frame", type=float, default=0.1, help="seconds of audio in a frame of live sessions")
    parser.add_argument("--virtual-delay", type=float, default=0.15, help="seconds of a decode on virtual time")
    parser.add_argument("--virtual-factor", type=float, help="instead: times the CPU time that the decode took")
    parser.add_argument("--detect", action="store_true", help="leave the language of each clip to the model")
    parser.add_argument("--show", action="store_true", help="print each clip with errors")
    parser.add_argument("--out", type=Path, help="where the results are written as JSON")
    return parser.parse_args()


def _meta(options: argparse.Namespace, samples: Sequence[Sample]) -> dict[str, Any]:
    return machine.facts(sys.argv) | {
        "model": Path(options.model).name,
        "clips": len(samples),
        "audio_s": round(sum(sample.clip.seconds for sample in samples), 1),
        "frame_s": options.frame,
    }


def _progress(name: str) -> None:
    print(f"\r\033[K  {name}", end="\r", file=sys.stderr, flush=True)


def _silent(name: str) -> None:
    pass


def _differences(samples: Sequence[Sample], hearing: Hearing) -> list[str]:
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
