"""The command line of LiveKit's test."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cross_provider import ours
from cross_provider.their_test import TESTS, Verdict, run
from words.live import served
from words.samples import Sample, Wanted, load_samples

PAGE: Final = Path(__file__).parents[2] / "docs" / "bench-livekit-test-stt.md"
RECORDINGS: Final = ("jfk", "dg-spacewalk", "osr-harvard72", "two-cities")
INTRODUCTION: Final = """# LiveKit's own test of speech-to-text

LiveKit Agents tests the plugins of its vendors with one file, `tests/test_stt.py`: a recording is recognised whole and
streamed, starts and ends of speech must alternate, the language must be told, the stream must end, and the words must
be right. Here it runs unchanged against `livekit-plugins-auricle` and a real server. The measure is the test's own,
which counts punctuation and the spelling of numbers as words; it passes up to 0.25, and tries twice. `pebble-en` is
the small model of this project, which understands its own vocabulary and nothing else. Made by
`python bench/cross_provider/run.py --tests AGENTS/tests --speech MANIFEST --write`.
"""


class Table(NamedTuple):
    """A table of the page, and whether everything in it has passed."""

    text: str
    passed: bool


def main() -> int:
    """Run the test on every recording with every model. Returns the exit code: 0 where all have passed."""
    options = _options()
    wanted = Wanted(kinds=("utterance", "long"), languages=("en",), names=options.recordings, understood=("en",))
    samples, _ = load_samples(options.speech, wanted)
    tables = [_table(options, samples, [model for model in options.models if model != ours.MODEL])]
    if ours.MODEL in options.models:
        tables.append(_table(options, ours.recordings(), [ours.MODEL]))
    if options.write:
        PAGE.write_text("\n".join([INTRODUCTION, *(table.text for table in tables)]), encoding="utf-8")
    return 0 if all(table.passed for table in tables) else 1


def _table(options: argparse.Namespace, samples: Sequence[Sample], models: Sequence[str]) -> Table:
    """Run the test on some recordings with some models, and print a row for each of both."""
    lines = [_head(samples), "|---|---|" + "--:|" * len(samples)]
    print("\n".join(lines), flush=True)
    passed = True
    for model in models:
        with served(Path(model)) as url:
            verdicts = [run(options.tests, sample, url) for sample in samples]
        for index, test in enumerate(TESTS):
            row = [of_sample[index] for of_sample in verdicts]
            lines.append(f"| {model} | `{test}` | " + " | ".join(_cell(verdict) for verdict in row) + " |")
            print(lines[-1], flush=True)
            for verdict in row:
                passed &= verdict.passed
                if not verdict.passed:
                    print(verdict.output[-4000:], file=sys.stderr, flush=True)
    return Table("\n".join(lines) + "\n", passed)


def _head(samples: Sequence[Sample]) -> str:
    names = " | ".join(f"{sample.name} ({sample.clip.seconds:.0f} s)" for sample in samples)
    return f"| model | test | {names} |"


def _cell(verdict: Verdict) -> str:
    said = "no text" if verdict.wer is None else f"WER {verdict.wer:.3f}"
    return f"{'passed' if verdict.passed else '**failed**'}, {said}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/cross_provider/run.py", description=__doc__)
    parser.add_argument("--tests", type=Path, required=True, help="the folder tests of LiveKit Agents")
    parser.add_argument("--speech", type=Path, action="append", required=True, help="a manifest of clips; repeatable")
    parser.add_argument("--recordings", nargs="*", default=RECORDINGS, help="which of them")
    parser.add_argument(
        "--models", nargs="*", default=["tiny.en", "base", ours.MODEL], help="names or folders of weights"
    )
    parser.add_argument("--write", action="store_true", help="write the page")
    return parser.parse_args()
