"""Whisper in real time, measured: ratios to the same model offline and to a naive server, in one run.

python bench/streaming/run.py --model NAME                measures everything, half an hour on two cores
python bench/streaming/run.py --model NAME --quick         the same in two minutes, too little to judge by
python bench/streaming/run.py --model NAME --only solo     one measure; --only may be given again
python bench/streaming/run.py --model NAME --write         also keeps the results and renders docs/bench-streaming.md;
                                                           measures that it was not asked for stay as they are

Exit code 1 where a bar is not met.
"""

import argparse
import asyncio
import json
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import bars
import machine
from clips import load
from context import QUICK, STANDARD, Bench, open_bench
from harness import FRAME_S
from measures import capacity, ending, instability, kills, nonspeech, offline, padding, solo, words

from auricle.engines.whisper.models.resolution import resolve_model

CLIPS = machine.ROOT / "tests" / "engines" / "speech" / "manifest.jsonl"
RESULTS = Path(__file__).parent / "results"
MEASURES = {
    "offline": offline.measure,
    "solo": solo.measure,
    "ending": ending.measure,
    "instability": instability.measure,
    "words": words.measure,
    "padding": padding.measure,
    "nonspeech": nonspeech.measure,
    "kills": kills.measure,
    "capacity": capacity.measure,
}


def main() -> int:
    """Measure, print the verdicts, and write what is wanted. Returns the exit code."""
    options = _options()
    if options.write and find_spec("matplotlib") is None:
        raise SystemExit("The page's plots need matplotlib: pip install -e '.[bench]'.")
    meta = machine.facts(sys.argv)
    budget = QUICK if options.quick else STANDARD
    folder = resolve_model(options.model, lambda stage, fraction: None)
    bench = open_bench(
        model=folder,
        device=options.device,
        clips=load(options.clips, options.language),
        word_clips=load(options.word_clips or options.clips, options.language),
        budget=budget,
        language=options.language,
        silence_s=options.silence,
        interval_s=options.interval,
        isolation=options.engine_isolation,
    )
    meta |= {
        "model": Path(options.model).name,
        "model_mb": round((folder / "model.bin").stat().st_size / 1e6, 1),
        "device": bench.device,
        "quick": options.quick,
        "isolation": options.engine_isolation,
        "silence_s": options.silence,
        "interval_s": options.interval,
        "frame_s": FRAME_S,
    }
    results = {"kind": "streaming", "meta": meta, "measures": asyncio.run(_measure(bench, options.only or MEASURES))}
    verdicts = bars.verdicts(results)
    for verdict in verdicts:
        print(f"- {verdict.word}: {verdict.what}: {verdict.value} (bar: {verdict.bar})")
    _write(results, options)
    return any(verdict.met is False for verdict in verdicts)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--model", required=True, help="tiny.en, base, another name, or a folder")
    parser.add_argument("--clips", type=Path, default=CLIPS, help="manifest.jsonl with path, text and words")
    parser.add_argument("--word-clips", type=Path, help="more of them, for the error rates alone; else --clips")
    parser.add_argument("--only", action="append", choices=MEASURES, help="measure this; may be given again")
    parser.add_argument("--quick", action="store_true", help="measure little: for trying out")
    parser.add_argument("--language", default="en", help="what is spoken")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="without it, a GPU where there is one")
    parser.add_argument(
        "--silence", type=float, default=0.5, help="seconds of silence that end an utterance: as servers do by default"
    )
    parser.add_argument("--interval", type=float, default=0.5, help="seconds between partials: what naive aims at")
    parser.add_argument("--engine-isolation", choices=("thread", "process"), default="thread", help="where ours runs")
    parser.add_argument("--out", type=Path, help="where the results are written as JSON")
    parser.add_argument("--write", action="store_true", help=f"keep the results in {RESULTS.name}/ and render the page")
    return parser.parse_args()


async def _measure(bench: Bench, names: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        print(f"{name} …", flush=True)
        begin_s, begun = time.monotonic(), machine.moment()
        try:
            found[name] = await MEASURES[name](bench)
        except Exception as error:  # the others can still be measured, and the page says that this one was not
            print(f"    failed: {type(error).__name__}: {error}", flush=True)
            found[name] = {"failed": type(error).__name__}
        found[name] |= begun | {"took_s": round(time.monotonic() - begin_s, 1)}
        print(f"    {found[name]['took_s']} s", flush=True)
    return found


def _earlier(kept: Path) -> dict[str, Any]:
    """Return the measures that are kept, for those that a run was not asked for stay as they are."""
    measures: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))["measures"] if kept.exists() else {}
    return measures


def _write(results: dict[str, Any], options: argparse.Namespace) -> None:
    targets = [options.out] if options.out else []
    if options.write:
        RESULTS.mkdir(exist_ok=True)
        kept = RESULTS / f"{results['meta']['model']}.json"
        results["measures"] = _earlier(kept) | results["measures"]
        targets.append(kept)
    for target in targets:
        target.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if options.write:
        import_module("render").write(sorted(RESULTS.glob("*.json")))  # matplotlib is needed for nothing else


if __name__ == "__main__":
    sys.exit(main())
