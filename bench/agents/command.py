"""The command line of the agents' bench."""

import argparse
import asyncio
import json
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from words.live import served
from words.samples import Sample, Wanted, load_samples

from agents.conversation import Mode, Talk, converse
from agents.table import HEAD, row

DETECTIONS = {"default": None, "stt": "stt", "vad": "vad"}
SHORTEST_S = 1.5
"""Of shorter clips the framework's own voice detector misses some."""
LONGEST_S = 10.0
"""The framework starts no model early for longer speech."""
APART_S = 0.7
"""Between the begins of sessions that run side by side."""


def main() -> int:
    """Say every clip in every mode, and print a row for each. Returns the exit code."""
    options = _options()
    logging.basicConfig(level=logging.ERROR)
    samples, _ = load_samples(
        options.speech, Wanted(kinds=("utterance",), languages=("en",), names=options.clips, understood=("en",))
    )
    samples = [one for one in samples if one.is_speech and SHORTEST_S <= one.clip.seconds <= LONGEST_S]
    print(HEAD, flush=True)
    told: list[dict[str, object]] = []
    with served(options.model) as url:
        for detection in options.modes:
            for name, after in (("on", options.preflight_after), ("off", None)):
                if name not in options.preflight:
                    continue
                mode = Mode(
                    detection=DETECTIONS[detection],
                    preflight_after=after,
                    first_token_s=options.first_token,
                    silence_s=options.silence,
                )
                talks = asyncio.run(_talk_all(url, samples, mode, options.sessions))
                print(row(detection, name, talks, [one.clip.text for one in samples]), flush=True)
                told += [{"mode": detection, "preflight": name, **asdict(talk)} for talk in talks]
    if options.out:
        options.out.write_text("\n".join(json.dumps(one) for one in told), encoding="utf-8")
    return 0


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
    parser.add_argument("--modes", nargs="*", default=list(DETECTIONS), choices=list(DETECTIONS))
    parser.add_argument("--preflight", nargs="*", default=["on", "off"], choices=["on", "off"])
    parser.add_argument("--preflight-after", type=float, default=0.25, help="the plugin's option, in seconds")
    parser.add_argument("--silence", type=float, help="the plugin's option, in seconds")
    parser.add_argument("--first-token", type=float, default=0.4, help="what the language model takes, in seconds")
    parser.add_argument("--sessions", type=int, default=2, help="clips that are said side by side")
    parser.add_argument("--out", type=Path, help="a file for what was measured, a JSON object a line")
    return parser.parse_args()
