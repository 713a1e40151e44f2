"""Random scenarios from a seed. Swarm testing: each scenario first draws which kinds of faults it may have.

Everything is drawn from one `random.Random`, so the seed is the scenario.
"""

from dataclasses import replace
from random import Random
from typing import Final

from auricle.core.limits import Limits
from auricle.core.messages import Start
from auricle.core.parts import AudioFormat, Encoding, Features
from auricle.core.testing.engine import UNKNOWN_LANGUAGE, EngineProfile
from auricle.core.testing.network import Path
from auricle.core.testing.scenario import (
    OUR_OWN,
    AskFlush,
    Cancel,
    Change,
    EndInput,
    Fault,
    FaultKind,
    Leave,
    Rest,
    Scenario,
    Skip,
    Speak,
    Step,
    Stray,
)

SURVIVABLE: tuple[FaultKind, ...] = (
    "cut", "half_open_client", "half_open_server", "stall", "stall_up", "stall_down", "slow_client", "slow_server",
    "restart", "shutdown", "refuse", "unheard", "sleep_client", "sleep_server", "engine_stands", "engine_babbles",
)  # fmt: skip
TIMERS_S: Final = (5.0, 10.0, 15.0, 20.0, 30.0, 60.0)
"""Durations of the protocol's timers in seconds; faults often last about as long."""
HIDDEN: tuple[FaultKind, ...] = ("refuse", "unheard", "full")
"""Faults that only a client without a connection notices: they come together with a cut."""
FATAL: tuple[FaultKind, ...] = ("full", "broken_server")
MOMENTS: tuple[tuple[str, str], ...] = (
    ("client", "start"), ("client", "audio"), ("client", "flush"), ("client", "configure"), ("client", "gap"),
    ("client", "end_input"), ("client", "resume"), ("client", "ping"), ("client", "cancel"), ("server", "ready"),
    ("server", "ack"), ("server", "partial"), ("server", "final"), ("server", "flushed"), ("server", "configured"),
    ("server", "resumed"), ("server", "input_ended"), ("server", "closed"), ("server", "error"),
    ("server", "speech_end"), ("server", "pong"), ("server", "loading"),
)  # fmt: skip
"""Messages with which faults are combined: who sends them, and their type."""

DELICATE: tuple[tuple[str, str], ...] = (
    ("client", "flush"), ("client", "configure"), ("client", "audio"),
    ("client", "resume"), ("server", "resumed"), ("client", "end_input"), ("server", "input_ended"),
    ("server", "closed"), ("server", "flushed"), ("client", "start"), ("server", "ready"),
)  # fmt: skip
"""Messages after which one side knows what the other does not."""


def draw(seed: int) -> Scenario:
    """Return the scenario of a seed."""
    return draw_scenario(Random(seed), seed)


def draw_scenario(random: Random, seed: int) -> Scenario:
    """Return a scenario drawn from ``random``."""
    rate = random.choice((4_000, 8_000, 16_000))
    start = _start(random, rate)
    limits = _limits(random)
    resumable = random.random() < 0.93
    engine_profile = _profile(random)
    steps = draw_steps(random, rate, start)
    return Scenario(
        seed=seed,
        steps=steps,
        # By the seed, so that every scenario from before there were turns is the same one without them.
        start=replace(start, features=replace(start.features, turns=seed % 3 == 0, speakers=seed % 5 == 0)),
        limits=limits,
        up=_path(random),
        down=_path(random),
        connect_s=random.choice((0.0, 0.05, 0.4)),
        lateness_s=random.choice((0.0, 0.0, 0.01, 0.3)),
        timers_first=random.random() < 0.7,
        engine_profile=engine_profile,
        block=_block(random, steps, rate),
        resumable=resumable,
        faults=_faults(random, _duration_s(steps, rate), engine_profile.load_s),
    )


def _start(random: Random, rate: int) -> Start:
    encodings: tuple[Encoding, ...] = ("pcm_s16le", "pcm_s16le", "mulaw", "pcm_f32le")
    audio = AudioFormat(
        encoding=random.choice(encodings),
        sample_rate=rate,
        channels=random.choice((1, 1, 1, 2)),
        framing=random.choice(("raw", "raw", "offset64")),
    )
    features = Features(
        partials=random.random() < 0.7,
        words=random.random() < 0.3,
        speech_events=random.random() < 0.7,
        acks=random.random() < 0.8,
        stats_ms=random.choice((None, None, None, 10_000)),
    )
    return Start(audio=audio, features=features, language=random.choice((None, "de")), resume=random.random() < 0.95)


def _limits(random: Random) -> Limits:
    """Return the default limits, or some that are reached within a simulation."""
    usual = random.random() < 0.5
    return Limits(
        window_s=30.0 if usual else random.choice((0.5, 3.0, 10.0)),
        backlog_s=10.0 if usual else random.choice((0.5, 3.0)),
        prebuffer_s=2.0 if usual else random.choice((0.1, 1.0)),
        ack_interval_s=0.25 if usual else random.choice((0.02, 1.0)),
        max_audio_s=10.0 if usual else random.choice((0.3, 2.0)),
        session_max_s=4 * 3600.0 if usual or random.random() < 0.8 else random.choice((70.0, 600.0)),
        audio_idle_s=Limits().audio_idle_s if usual or random.random() < 0.8 else random.choice((5.0, 90.0)),
        reconnect_reset_s=10.0 if usual else 1.0,
    )


def _profile(random: Random) -> EngineProfile:
    failing = random.random() < 0.1
    return EngineProfile(
        load_s=random.choice((0.0, 0.0, 0.0, 0.3, 0.3, 7.0, 40.0)),
        rtf=random.choice((0.0, 0.02, 0.1, 0.5, 1.2)),
        overhead_s=random.choice((0.0, 0.02, 0.3)),
        failing=frozenset(random.randrange(60) for _ in range(random.choice((3, 40)))) if failing else frozenset(),
    )


def _path(random: Random) -> Path:
    return Path(
        latency_s=random.choice((0.0, 0.005, 0.05, 0.4)),
        jitter_s=random.choice((0.0, 0.0, 0.03, 0.5)),
        batch_s=random.choice((0.0, 0.0, 0.0, 0.2)),
        buffer_bytes=random.choice((300, 20_000, 262_144)),
    )


# ---------------------------------------------------------------------------- what the application does


def draw_steps(random: Random, rate: int, start: Start) -> tuple[Step, ...]:
    asked = 0
    steps: list[Step] = []
    for _ in range(random.choice((1, 3, 6, 10))):
        dice = random.random()
        if dice < 0.5:
            steps.append(_speak(random, rate, start))
        elif dice < 0.62:
            steps.append(Skip(random.choice((1, rate // 3, rate, 5 * rate, 40 * rate))))
        elif dice < 0.7:
            steps.append(Rest(random.choice((0.2, 3.0, 25.0, 100.0, 1_500.0))))
        elif asked < 12:
            asked += 1
            steps.append(_ask(random, rate))
    if start.audio.framing == "raw" and start.audio.frame_bytes > 1 and random.random() < 0.15:
        steps.append(Stray())
    steps += _ending(random)
    return tuple(steps)


def _speak(random: Random, rate: int, start: Start) -> Speak:
    seconds = random.choice((0.05, 0.5, 2.0, 8.0, 30.0, 90.0))
    # Long speeches come in long pieces: it is their length that is of interest, and not how many they are.
    share = random.choice((0.05, 0.1, 0.2, 0.5, 1.0))
    samples = max(1, int(seconds * rate))
    piece = min(max(1, int(samples * share)), 500_000 // start.audio.frame_bytes)
    ragged = start.audio.framing == "raw" and start.audio.frame_bytes > 1 and random.random() < 0.4
    return Speak(samples, piece, live=random.random() < 0.6, ragged=ragged)


def _block(random: Random, steps: tuple[Step, ...], rate: int) -> int:
    """Return the samples of a word: not a divisor of the pieces, and not too many words in all."""
    spoken = sum(step.samples for step in steps if isinstance(step, Speak))
    return max(2, spoken // 80, int(rate * random.choice((0.1, 0.25, 1.0)))) + random.choice((0, 1))


def _ask(random: Random, rate: int) -> Step:
    dice = random.random()
    if dice < 0.5:
        return AskFlush(back=random.choice((0, 0, 0, 0, rate // 2)))
    if dice < 0.7:
        return AskFlush(back=random.choice((0, rate // 2)), mark=True)
    return Change(random.choice((None, "de", "fr", UNKNOWN_LANGUAGE)))


def _ending(random: Random) -> list[Step]:
    dice = random.random()
    if dice < 0.05:
        return [Cancel()]
    if dice < 0.1:
        return [Leave()]
    if dice < 0.15:
        return [EndInput(), Rest(random.choice((0.0, 0.1, 1.0))), random.choice((Cancel(), Leave()))]
    return [EndInput(), EndInput()]


def _duration_s(steps: tuple[Step, ...], rate: int) -> float:
    """Return about how many seconds a script takes without faults."""
    duration_s = 1.0
    for step in steps:
        if isinstance(step, Speak) and step.live:
            duration_s += step.samples / rate
        elif isinstance(step, Rest):
            duration_s += step.seconds
    return duration_s


# ---------------------------------------------------------------------------- what fails


def _faults(random: Random, duration_s: float, load_s: float) -> tuple[Fault, ...]:
    from_s = load_s + 2.0 if random.random() < 0.85 else 0.0
    if random.random() < 0.1:
        return ()
    kinds = _kinds(random)
    longest_s = random.choice((1.0, 8.0, 8.0, 100.0))
    faults: list[Fault] = []
    for _ in range(random.choice((1, 2, 3, 4, 10))):
        fault = draw_fault(random, kinds, duration_s, longest_s, from_s=from_s)
        faults.append(fault)
        if fault.kind in HIDDEN:
            faults.append(replace(fault, kind="cut", for_s=0.0))
    return tuple(faults)


def _kinds(random: Random) -> list[FaultKind]:
    dice = random.random()
    if dice < 0.3:
        return ["cut"]
    if dice < 0.45:
        return [*OUR_OWN, "sleep_client"]
    kinds = random.sample(SURVIVABLE, random.choice((1, 2, 4)))
    if dice < 0.6:
        kinds += ["restart", "cut"]
    elif dice < 0.68:
        kinds.append(random.choice(FATAL))
    return kinds


def draw_fault(
    random: Random, kinds: list[FaultKind], duration_s: float, longest_s: float, *, from_s: float = 0.0
) -> Fault:
    """Return a fault within ``duration_s`` after ``from_s``, or with a message."""
    kind = random.choice(kinds)
    for_s = longest_s * random.choice((0.0, 0.01, 0.1, 0.5, 1.0))
    if random.random() < (0.6 if kind == "sleep_client" else 0.2):
        for_s = random.choice(TIMERS_S) + random.random() * 2.0 - 0.5
    if kind == "engine_babbles":
        for_s = random.choice((2.0, 150.0))
    late_client = random.random() < 0.5
    if random.random() < 0.4:
        at_s = from_s + duration_s * random.random()
        return Fault(kind=kind, at_s=at_s, for_s=for_s, late_client=late_client)
    said_by, message = random.choice(random.choice((MOMENTS, DELICATE)))
    return Fault(
        kind=kind,
        said_by="client" if said_by == "client" else "server",
        message=message,
        nth=random.choice((1, 1, 1, 2, 3, 8)),
        once_ready=random.random() < 0.85,
        after=random.random() < 0.5,
        delay_s=random.choice((0.0, 0.0, 0.06, 0.5, 3.0)),
        for_s=for_s,
        late_client=late_client,
    )
