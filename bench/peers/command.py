"""The command line of the bench of peers."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import machine
from clips import LONGEST_S, Tape, lay
from cpu import children_cpu_s
from kept_results import measure_or_render
from peers.catalogue import LEFT_OUT, OURS, SERVERS, Server, interpreter_of_ours
from peers.environments import InstallError, environment, version
from peers.measures import Rung, held, rung
from peers.page import page
from peers.running import StartError, running
from peers.sessions import FRAME_S, PATIENCE_S, hold, hold_all
from tapes import deal
from words.plain import Plain
from words.samples import Sample, Wanted, load_samples
from words.scores import scores
from words.systems import Models

from auricle.engines.whisper.models.resolution import resolve_model

RESULTS: Final = Path(__file__).parent / "results"
PAGE: Final = machine.ROOT / "docs" / "bench-peers.md"
SESSIONS: Final = (1, 4, 8)
TAPE_S: Final = 45.0
PAUSE_S: Final = 1.5
"""Behind each clip: as somebody pauses who is answered, or thinks."""
MOST_ROUNDS: Final = 3
"""One session alone hears so many tapes, one after the other; more would take longer than they tell."""
APART_S: Final = 0.37
QUICK_SESSIONS: Final = (1, 2)
QUICK_TAPE_S: Final = 12.0
BEAM_SIZE: Final = 5
"""Of plain faster-whisper: its default."""


def main() -> int:
    """Do what is asked. Returns the exit code."""
    options = _options()
    measure_or_render(options, _measured(options), RESULTS, PAGE, page)
    return 0


def _measured(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the results so far, after each server."""
    models = Models(folder=resolve_model(options.model, lambda stage, fraction: None))
    samples = _samples(options.speech, options.tape_seconds)
    clips = [sample.clip for sample in samples.values()]
    dealt = deal(clips, max(options.sessions), options.tape_seconds, PAUSE_S)
    tapes = [lay(each, lambda _: PAUSE_S) for each in dealt]
    with ExitStack() as opened:
        cache = options.cache or Path(opened.enter_context(tempfile.TemporaryDirectory()))
        cache.mkdir(parents=True, exist_ok=True)
        ready = {name: _installed(SERVERS[name], cache, options.tell) for name in options.only or SERVERS}
        heard = [samples[clip.name] for tape in tapes for clip in tape.clips]
        plain = Plain(model=models.plain, beam_size=BEAM_SIZE, vad_filter=False, detect_language=False, takes=1)
        hearing = plain.hear(heard, lambda name: None)
        cpu_s = {each.clip: each.cpu_s or 0.0 for each in hearing.heard}
        results: dict[str, Any] = {"meta": _meta(options, tapes), "servers": {}, "left_out": dict(LEFT_OUT)}
        results["plain"] = scores(heard, hearing)["wer"]["all"] | {"cpu_s": round(hearing.cpu_s, 2)}
        for name, python in ready.items():
            results["servers"][name] = asyncio.run(
                _server(SERVERS[name], python, models.folder, tapes, cpu_s, cache / f"{name}.log", options)
            )
            yield results


def _samples(manifests: Sequence[Path], longest_s: float) -> dict[str, Sample]:
    """Return English clips whose words and their times are known, by name."""
    samples, _ = load_samples(manifests, Wanted(languages=("en",)))
    most_s = min(LONGEST_S, longest_s - PAUSE_S)
    return {
        sample.name: sample
        for sample in samples
        if sample.is_speech and sample.has_reference and sample.clip.words and sample.clip.seconds <= most_s
    }


def _installed(server: Server, cache: Path, tell: Any) -> Path | str:
    """Return the interpreter of a server's environment, or why there is none."""
    if server.requirements is None:
        return interpreter_of_ours()
    tell(f"{server.title}: installing")
    try:
        return environment(cache / server.environment, server.requirements)
    except InstallError as error:
        return str(error)


async def _server(
    server: Server,
    python: Path | str,
    model: Path,
    tapes: Sequence[Tape],
    plain_cpu_s: Mapping[str, float],
    log: Path,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Return everything about one server; where it does not run, ``failure`` says why."""
    row: dict[str, Any] = {
        "title": server.title,
        "version": None,
        "load_before": machine.facts(())["load_before"],
        "settings": server.settings,
        "ending": server.ending,
        "failure": None,
        "rungs": [],
    }
    if isinstance(python, str):
        return row | {"failure": f"it did not install: {python}"}
    row["version"] = version(python, server.distribution)
    try:
        async with running(lambda port: server.command(python, model, port), log) as port:
            first = await hold(server.converse, port, _shortest(tapes))
            if not first.has_ended:
                return row | {"failure": f"its first session failed: {first.failure}"}
            for at_once in options.sessions:
                row["rungs"].append(await _rung(server, port, tapes, at_once, plain_cpu_s))
                options.tell(f"{server.title}, {at_once} at once: {_told(row['rungs'][-1])}")
    except StartError as error:
        return row | {"failure": f"it did not start: {error}"}
    return row | {"held": held(row["rungs"])}


async def _rung(
    server: Server, port: int, tapes: Sequence[Tape], at_once: int, plain_cpu_s: Mapping[str, float]
) -> Rung:
    rounds = [list(tapes[n : n + at_once]) for n in range(0, len(tapes), at_once)][:MOST_ROUNDS]
    before_s = children_cpu_s()
    sessions = await hold_all(server.converse, port, rounds, APART_S)
    used_s = children_cpu_s() - before_s
    clips = [clip.name for session in sessions for clip in session.tape.clips]
    return rung(sessions, at_once, cpu_s=used_s, plain_cpu_s=sum(plain_cpu_s[name] for name in clips))


def _shortest(tapes: Sequence[Tape]) -> Tape:
    """Return a tape of the shortest clip: for a session before any that counts, so that all is loaded."""
    return lay([min((clip for tape in tapes for clip in tape.clips), key=lambda clip: clip.seconds)], lambda _: PAUSE_S)


def _told(one: Rung) -> str:
    return (
        f"{one['ended']} of {one['sessions']} ended, {one['errors']['rate']:.1%}, settled {one['settled_s']['p50']} / "
        f"{one['settled_s']['p95']} s, CPU {one['cpu_x']} x"
    )


def _meta(options: argparse.Namespace, tapes: Sequence[Tape]) -> dict[str, Any]:
    return {
        **machine.facts(sys.argv),
        "model": options.model,
        "clips": sum(len(tape.clips) for tape in tapes),
        "audio_s": round(sum(tape.seconds for tape in tapes), 1),
        "speech_s": round(sum(clip.seconds for tape in tapes for clip in tape.clips), 1),
        "tapes": len(tapes),
        "frame_s": FRAME_S,
        "pause_s": PAUSE_S,
        "patience_s": PATIENCE_S,
        "ours": OURS,
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/peers/run.py",
        description="Compare other servers with ours, on the same weights, clips and pace.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("action", nargs="?", default="measure", choices=("measure", "render"))
    parser.add_argument("--model", default="tiny.en", help="a name, or a folder of CTranslate2 weights; English")
    parser.add_argument("--speech", type=Path, action="append", default=[], help="a manifest of clips; may be repeated")
    parser.add_argument("--cache", type=Path, help="where environments are kept for the next run; else they are not")
    parser.add_argument("--only", nargs="+", choices=SERVERS, metavar="SERVER", help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--sessions", type=int, nargs="+", default=SESSIONS, help="so many at once, one by one")
    parser.add_argument("--tape-seconds", type=float, default=TAPE_S, help="what each session hears")
    parser.add_argument("--quick", action="store_true", help="one and two sessions of 12 s: to try it, not to measure")
    parser.add_argument("--write", action="store_true", help="keep the results, and render docs/bench-peers.md")
    options = parser.parse_args()
    if options.action == "measure" and not options.speech:
        parser.error("to measure give --speech")
    if options.quick and options.write:
        parser.error("a page is not made of a quick run")
    if options.quick:
        options.sessions, options.tape_seconds = QUICK_SESSIONS, QUICK_TAPE_S
    options.cache = options.cache and options.cache.absolute()
    options.tell = lambda line: print(line, file=sys.stderr, flush=True)
    return options
