"""The command line of the bench of files."""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import machine
from files.page import page
from files.programs import OURS, PEERS, Cost, commands, run
from files.subtitles import norm, text_of
from files.tape import PAUSE_S, tape, write_m4a
from kept_results import measure_or_render
from normal import align, normal
from words.samples import Sample, Wanted, load_samples

from auricle.engines.whisper.models.resolution import resolve_model

RESULTS: Final = Path(__file__).parent / "results"
PAGE: Final = machine.ROOT / "docs" / "bench-files.md"
HOUR_S: Final = 3_600.0
SHORT_S: Final = 600.0


def main() -> int:
    """Do what is asked. Returns the exit code."""
    options = _options()
    measure_or_render(options, _measured(options), RESULTS, PAGE, page)
    return 0


def _measured(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the results so far, after each program."""
    model = resolve_model(options.model, lambda stage, fraction: None)
    samples, _ = load_samples(options.speech, Wanted(languages=("en",)))
    spoken = [sample for sample in samples if sample.is_speech and sample.has_reference]
    hour = tape(spoken, options.seconds)
    reference = normal(" ".join(sample.clip.text for sample in hour))
    programs: dict[str, dict[str, Any]] = {}
    meta = _meta(options, hour, len(reference))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        long, short = folder / "hour.m4a", folder / "ten-minutes.m4a"
        write_m4a(long, hour)
        write_m4a(short, tape(spoken, options.short_seconds))
        for name in (OURS, *PEERS):
            costs: dict[str, Cost] = {}
            for recording in (short, long):
                command, srt = commands(model, options.peer, recording, folder)[name]
                costs[recording.stem] = run(command)
                print(f"{name}, {recording.stem}: {costs[recording.stem]}", file=sys.stderr, flush=True)
            document = srt.read_text(encoding="utf-8")
            errors = align(reference, normal(text_of(document))).errors
            programs[name] = {
                "cost": asdict(costs[long.stem]),
                "cost_10_min": asdict(costs[short.stem]),
                "errors": {**asdict(errors), "rate": errors.rate},
                "subtitles": norm(document),
            }
            yield {"meta": meta, "programs": programs}


def _meta(options: argparse.Namespace, hour: Sequence[Sample], words: int) -> dict[str, Any]:
    version = subprocess.run([options.peer, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        **machine.facts(sys.argv),
        "model": options.model,
        "audio_s": round(sum(sample.clip.seconds + PAUSE_S for sample in hour), 1),
        "words": words,
        "peer": version,
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare auricle transcribe with whisper-ctranslate2.")
    parser.add_argument("action", nargs="?", default="measure", choices=("measure", "render"))
    parser.add_argument("--model", default="tiny.en", help="a name or a folder, English")
    parser.add_argument("--speech", type=Path, action="append", default=[], help="a manifest of clips; may be repeated")
    parser.add_argument("--peer", help="the program whisper-ctranslate2, in an environment of its own")
    parser.add_argument("--seconds", type=float, default=HOUR_S)
    parser.add_argument("--short-seconds", type=float, default=SHORT_S)
    parser.add_argument("--write", action="store_true", help="keep the results, and render the page")
    options = parser.parse_args()
    if options.action == "measure" and not (options.speech and options.peer):
        parser.error("to measure give --speech and --peer")
    return options
