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
from turns.answers import Answer, read_answers, write_answers
from turns.curve import Judged, Point, best, point, settings
from turns.held_out_table import HEAD as HELD_OUT_HEAD
from turns.held_out_table import held_out_rows
from turns.pauses import Pause, pauses_of

DETECTORS: dict[str, Callable[[], TurnDetector]] = {"silence": SilenceDetector, "smart-turn": SmartTurn}
HEAD = (
    "| detector | false cut-offs at 300 ms | with | mean delay at 5 % false cut-offs | with | CPU an answer |\n"
    "|---|--:|---|--:|---|--:|"
)


def main() -> int:
    """Judge every pause with every detector, and print what the best settings reach. Returns the exit code."""
    options = _options()
    if options.answers:
        _tell_held_out(read_answers(options.answers))
        return 0
    wanted = Wanted(kinds=options.kinds, languages=("en",), understood=("en",))
    samples, _ = load_samples(options.speech, wanted)
    model = SileroModel()
    kinds = {sample.name: sample.kind for sample in samples}
    pauses = [pause for sample in samples if sample.is_speech for pause in pauses_of(sample, model)]
    count = {kind: sum(pause.kind == kind for pause in pauses) for kind in ("end", "breath", "stop")}
    print(f"{len(samples)} clips: {count['end']} ends of turns, {count['breath']} breaths, {count['stop']} stops")
    print(f"\n{HEAD}", flush=True)
    for name in options.detectors:
        detector = DETECTORS[name]()
        detector.load(lambda stage, fraction: None)
        began = time.process_time()
        answers = [_answer(detector, pause, kinds[pause.clip]) for pause in pauses]
        cpu_s = (time.process_time() - began) / len(pauses)
        judged = [Judged(seconds=one.seconds, probability=one.probability) for one in answers if one.kind != "stop"]
        has_opinion = any(one.probability is not None for one in judged)
        points = [point(rules, judged) for rules in settings(has_opinion=has_opinion)]
        print(_row(name, points, cpu_s), flush=True)
        if options.out and has_opinion:
            write_answers(options.out, answers)
    if options.out:
        _tell_held_out(read_answers(options.out))
    return 0


def _tell_held_out(answers: Sequence[Answer]) -> None:
    """Print what rules do with clips that they were not chosen on."""
    print(f"\n{HELD_OUT_HEAD}")
    for row in held_out_rows([one for one in answers if one.is_of_its_own]):
        print(row, flush=True)


def _answer(detector: TurnDetector, pause: Pause, clip_kind: str) -> Answer:
    from_sample = -round(LONGEST_AUDIO_S * 16_000)
    probability = detector.probability(pause.audio[from_sample:])
    return Answer(clip=pause.clip, clip_kind=clip_kind, kind=pause.kind, seconds=pause.seconds, probability=probability)


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
    parser.add_argument("--speech", type=Path, action="append", default=[], help="a manifest of clips; repeatable")
    parser.add_argument("--kinds", nargs="*", default=("utterance", "long"), help="kinds of clips")
    parser.add_argument("--detectors", nargs="*", default=list(DETECTORS), choices=list(DETECTORS))
    parser.add_argument("--out", type=Path, help="a file for what the last detector says of every pause")
    parser.add_argument("--answers", type=Path, help="such a file: judge by it, and ask nobody")
    return parser.parse_args()
