"""The command line of the agents' bench."""

import argparse
import asyncio
import json
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from turns.pauses import pauses_of
from words.live import served
from words.samples import Sample, Wanted, load_samples

from agents.conversation import Mode, Talk, converse
from agents.table import HEAD, Named, row
from auricle.engines.audio.silero_vad import SileroModel

DETECTIONS = {"default": None, "stt": "stt", "vad": "vad"}
DETECTORS = ("smart-turn", "silence", "off")
"""By what the server tells turns; ``off``: the plugin does not ask."""
BREATH_S = 0.3
"""A pause inside a clip that is a breath, for the share of sentences with breaths that are one turn."""
SHORTEST_S = 1.5
"""Of shorter clips the framework's own voice detector misses some."""
LONGEST_S = 10.0
"""The framework starts no model early for longer speech."""
APART_S = 0.7
"""Between the begins of sessions that run side by side."""


def main() -> int:
    """Say every clip with every detector and in every mode, and print a row for each. Returns the exit code."""
    options = _options()
    logging.basicConfig(level=logging.ERROR)
    samples, _ = load_samples(
        options.speech, Wanted(kinds=("utterance",), languages=("en",), names=options.clips, understood=("en",))
    )
    samples = [one for one in samples if one.is_speech and SHORTEST_S <= one.clip.seconds <= LONGEST_S]
    breaths = _with_breaths(samples)
    print(f"{len(samples)} clips, {len(breaths)} of them with a breath of {BREATH_S:g} s\n\n{HEAD}", flush=True)
    told: list[dict[str, object]] = []
    for detector in options.detectors:
        with served(options.model, "--turn-detector", "silence" if detector == "off" else detector) as url:
            for name, mode in _modes(options, detector):
                talks = asyncio.run(_talk_all(url, samples, mode, options.sessions))
                print(row(detector, name, talks, [one.clip.text for one in samples], breaths), flush=True)
                told += [{"detector": detector, "mode": name, **asdict(talk)} for talk in talks]
    if options.out:
        options.out.write_text("\n".join(json.dumps(one) for one in told), encoding="utf-8")
    return 0


def _modes(options: argparse.Namespace, detector: str) -> Iterator[tuple[Named, Mode]]:
    for detection in options.modes:
        for name, after in (("on", options.preflight_after), ("off", None)):
            if name in options.preflight:
                yield (
                    Named(detection, name),
                    Mode(
                        detection=DETECTIONS[detection],
                        preflight_after=after,
                        first_token_s=options.first_token,
                        silence_s=options.silence,
                        detect_turns=detector != "off",
                        turn_threshold=options.threshold,
                        turn_silence_s=options.turn_silence,
                        turn_timeout_s=options.timeout,
                        min_delay_s=options.min_delay,
                    ),
                )


def _with_breaths(samples: Sequence[Sample]) -> frozenset[str]:
    model = SileroModel()
    breaths = (
        (sample.name, pause.seconds)
        for sample in samples
        for pause in pauses_of(sample, model)
        if pause.seconds is not None
    )
    return frozenset(name for name, seconds in breaths if seconds >= BREATH_S)


async def _talk_all(url: str, samples: Sequence[Sample], mode: Mode, sessions: int) -> list[Talk]:
    waiting = deque(enumerate(samples))
    talks: dict[int, Talk] = {}

    async def speaker(index: int) -> None:
        await asyncio.sleep(index * APART_S)
        while waiting:
            number, sample = waiting.popleft()
            talks[number] = await converse(url, sample.name, sample.clip.samples, mode)

    async with asyncio.TaskGroup() as speakers:
        for index in range(sessions):
            speakers.create_task(speaker(index))
    return [talks[number] for number in range(len(samples))]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/agents/run.py", description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("tiny.en"), help="name or folder of the weights")
    parser.add_argument("--speech", type=Path, action="append", required=True, help="a manifest of clips; repeatable")
    parser.add_argument("--clips", nargs="*", default=(), help="only these")
    parser.add_argument("--detectors", nargs="*", default=["smart-turn", "off"], choices=DETECTORS)
    parser.add_argument("--modes", nargs="*", default=["default", "stt"], choices=list(DETECTIONS))
    parser.add_argument("--preflight", nargs="*", default=["on", "off"], choices=["on", "off"])
    parser.add_argument("--preflight-after", type=float, default=0.25, help="the plugin's option, in seconds")
    parser.add_argument("--silence", type=float, help="the plugin's option, in seconds")
    parser.add_argument("--threshold", type=float, help="the plugin's turn_threshold")
    parser.add_argument("--turn-silence", type=float, help="the plugin's turn_silence, in seconds")
    parser.add_argument("--timeout", type=float, help="the plugin's turn_timeout, in seconds")
    parser.add_argument("--min-delay", type=float, help="the framework's shortest wait, in seconds")
    parser.add_argument("--first-token", type=float, default=0.4, help="what the language model takes, in seconds")
    parser.add_argument("--sessions", type=int, default=2, help="clips that are said side by side")
    parser.add_argument("--out", type=Path, help="a file for what was measured, a JSON object a line")
    return parser.parse_args()
