"""The command line of the bench of turns."""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from words.samples import Wanted, load_samples

from auricle.engines.audio.silero_vad import SileroModel
from auricle.engines.turn_taking.protocol import LONGEST_AUDIO_S, TurnDetector
from auricle.engines.turns.silence import SilenceDetector
from auricle.engines.turns.smart_turn import SmartTurn
from turns.curve import Judged, Point, best, point, settings
from turns.pauses import Pause, pauses_of

DETECTORS: dict[str, Callable[[], TurnDetector]] = {"silence": SilenceDetector, "smart-turn": SmartTurn}
HEAD = (
    "| detector | false cut-offs at 300 ms | with | mean delay at 5 % false cut-offs | with | CPU an answer |\n"
    "|---|--:|---|--:|---|--:|"
)


def main() -> int:
    """Judge every pause with every detector, and print what the best settings reach. Returns the exit code."""
    options = _options()
    wanted = Wanted(kinds=options.kinds, languages=("en",), understood=("en",))
    samples, _ = load_samples(options.speech, wanted)
    model = SileroModel()
    pauses = [pause for sample in samples if sample.is_speech for pause in pauses_of(sample, model)]
    ends = sum(pause.ends_turn for pause in pauses)
    print(f"{len(samples)} clips: {ends} ends of turns, {len(pauses) - ends} breaths\n\n{HEAD}", flush=True)
    for name in options.detectors:
        detector = DETECTORS[name]()
        detector.load(lambda stage, fraction: None)
        began = time.process_time()
        judged = [_judged(detector, pause) for pause in pauses]
        cpu_s = (time.process_time() - began) / len(pauses)
        has_opinion = any(one.probability is not None for one in judged)
        points = [point(rules, judged) for rules in settings(has_opinion=has_opinion)]
        print(_row(name, points, cpu_s), flush=True)
        if options.verbose:
            for pause, one in zip(pauses, judged, strict=True):
                print(pause.clip, pause.seconds, one.probability)
    return 0


def _judged(detector: TurnDetector, pause: Pause) -> Judged:
    from_sample = -round(LONGEST_AUDIO_S * 16_000)
    return Judged(seconds=pause.seconds, probability=detector.probability(pause.audio[from_sample:]))


def _row(name: str, points: Sequence[Point], cpu_s: float) -> str:
    quick, careful = best(points)
    return (
        f"| {name} | {100 * quick.cut_offs:.1f} % | {_setting(quick)} "
        f"| {1000 * careful.delay_s:.0f} ms | {_setting(careful)} | {1000 * cpu_s:.0f} ms |"
    )


def _setting(one: Point) -> str:
    rules = one.rules
    if rules.over_s == rules.longest_s:
        return f"{rules.over_s:g} s"
    return f"threshold {rules.threshold:g}, {rules.over_s:g} s or {rules.longest_s:g} s"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/turns/run.py", description=__doc__)
    parser.add_argument("--speech", type=Path, action="append", required=True, help="a manifest of clips; repeatable")
    parser.add_argument("--kinds", nargs="*", default=("utterance", "long"), help="kinds of clips")
    parser.add_argument("--detectors", nargs="*", default=list(DETECTORS), choices=list(DETECTORS))
    parser.add_argument("--verbose", action="store_true", help="every pause, and what is said of it")
    return parser.parse_args()
