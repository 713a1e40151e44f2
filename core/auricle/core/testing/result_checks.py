"""The checks at the end of a simulation: both sides have ended, for an allowed reason, and nothing is lost.

I13 as an oracle: the results of a client must be those of the same engine when it gets, in one go and without any
network, what the application really did.
"""

from bisect import bisect_left
from typing import Final as Constant

from auricle.core.client import ClientSession
from auricle.core.events import SessionClosed
from auricle.core.messages import Final
from auricle.core.testing.application import Performed
from auricle.core.testing.driver import Driver
from auricle.core.testing.engine import UNKNOWN_LANGUAGE, Recogniser, Utterance
from auricle.core.testing.finished import FinishedSimulation
from auricle.core.testing.monitors import ClientMonitor, require
from auricle.core.testing.scenario import OUR_OWN, Rest, Scenario, Skip, Speak
from auricle.core.testing.synthetic_speech import SyntheticSpeech

HONEST_ERRORS: Constant = frozenset({
    None, "capacity", "shutdown", "internal", "engine_failed", "session_gone", "bad_token", "drain_timeout",
    "engine_unavailable", "hello_timeout", "idle", "connect_timeout", "ready_timeout", "silence", "superseded",
})  # fmt: skip
"""Errors that may occur between two correct sides. Any other means that one of them broke the protocol."""
NETWORK_ENDINGS: Constant = frozenset({"lost", "timeout"})

A_SLOW_NETWORK_S: Constant = 1_000.0
"""Extra seconds for a network with small buffers, which carries messages one by one."""
OTHER_BYTES: Constant = 65_536
"""Most bytes that a client may have queued besides audio."""
MOST_SLEEP_S: Constant = 35.0
"""Longest block of a client's loop, in seconds, for which its server does not count it as idle: it pings every 20 s."""


def time_allowed(scenario: Scenario) -> float:
    """Return a loose upper bound on the duration of a simulation, in seconds."""
    rate = scenario.start.audio.sample_rate
    spoken_s = sum(step.samples / rate for step in scenario.steps if isinstance(step, Speak | Skip))
    pieces = sum(-(-step.samples // step.piece) for step in scenario.steps if isinstance(step, Speak))
    rests_s = sum(step.seconds for step in scenario.steps if isinstance(step, Rest))
    work_s = (
        scenario.engine_profile.load_s
        + scenario.engine_profile.rtf * spoken_s
        + scenario.engine_profile.overhead_s * (2 * pieces + 50)
    )
    faults_s = sum(fault.for_s for fault in scenario.faults)
    limits = scenario.limits
    each_s = (
        limits.silence_timeout_s + limits.reconnect_timeout_s + limits.ready_timeout_s + limits.drain_timeout_s
        + limits.resume_window_s + limits.idle_timeout_s + 2 * limits.close_timeout_s + limits.write_stall_s
    )  # fmt: skip
    restarts = 1 + len(scenario.faults)
    if scenario.is_slow:
        work_s += A_SLOW_NETWORK_S
    round_trip_s = limits.ack_interval_s + scenario.lateness_s + scenario.engine_profile.overhead_s
    for path in (scenario.up, scenario.down):
        round_trip_s += path.latency_s + path.jitter_s + path.batch_s
    # A window that is shorter than a round trip is what sets the pace.
    work_s += 2 * round_trip_s * (pieces + spoken_s / min(limits.window_s, limits.max_audio_s))
    return spoken_s + rests_s + restarts * (work_s + each_s) + faults_s + limits.hello_timeout_s


def expected(performed: Performed, scenario: Scenario, voice: SyntheticSpeech) -> list[Utterance]:
    """Return the utterances that the engine decides for what the application did, without a session."""
    recogniser = Recogniser(voice, origin=0, language=scenario.start.language, failing=scenario.engine_profile.failing)
    found: list[object] = []

    def hear(until: int) -> None:
        for start, end, audible in performed.spans:
            if recogniser.heard < min(end, until) and start < until:
                found.extend(recogniser.hear(min(end, until), audible=audible))

    for kind, _, at, offered, language in performed.asked:
        hear(offered)
        if kind == "flush" and at > recogniser.committed:
            found.extend(recogniser.decide(recogniser.heard, "flush"))
        elif kind == "change" and language != UNKNOWN_LANGUAGE:
            found.extend(recogniser.decide(at, "configure"))
            recogniser.language = language or "en"
    hear(performed.total)
    found.extend(recogniser.decide(performed.total, "end_input"))
    return [finding for finding in found if isinstance(finding, Utterance)]


def check_end(simulation: FinishedSimulation) -> None:
    """Check a simulation that has run to its end. Raises `CheckFailure`."""
    session = simulation.client.session
    assert isinstance(session, ClientSession)
    closed = session.closed
    require(closed is not None and simulation.client.done, f"I9: the client never closed: {session}")
    assert closed is not None
    for driver in simulation.server_monitors:
        _check_server(simulation, driver)
    _check_reason(closed, simulation)
    _check_memory(simulation)
    watch = simulation.client_monitor
    _check_words(watch, simulation)
    performed = simulation.application.performed
    if closed.complete:
        _check_complete(closed, watch, performed, simulation)
    elif closed.reason == "completed":
        require(watch.lost > 0 or closed.accounting.dropped > 0, f"I6: nothing is lost, and yet: {closed.message}")
    # Before ``ready`` there is no session yet that could be had back.
    # What a lost server had, and no final, is lost with it beyond what a client keeps: `watch` has seen to that.
    if simulation.scenario.is_gentle and "told Ready" in watch.seen and not watch.lost:
        require(closed.complete is True, f"I13: nothing that happened may cost anything, but: {closed}")


def _check_server(simulation: FinishedSimulation, driver: Driver) -> None:
    killed = driver.session.closed is None and driver.done
    if killed:
        return
    closed = driver.session.closed
    require(closed is not None and driver.done, f"I9: {driver.name} never closed: {driver.session}")
    assert closed is not None
    require(simulation.server_monitors[driver].closed, f"I3: {driver.name} has no terminal event")
    require(closed.error in HONEST_ERRORS, f"I8: {driver.name} accuses its client: {closed}")
    require(closed.reason != "violation", f"I8: {driver.name} calls it a violation: {closed}")


def _check_memory(simulation: FinishedSimulation) -> None:
    """I12: what a client queues for a socket is bounded by its credit, however slow the socket is."""
    scenario = simulation.scenario
    ahead_s = scenario.limits.window_s + scenario.limits.prebuffer_s
    most = ahead_s * scenario.start.audio.sample_rate * scenario.start.audio.frame_bytes * 1.2 + OTHER_BYTES
    for connection in simulation.connections:
        queued = connection.client.most_queued
        require(queued <= most, f"I12: {queued} bytes have waited for the socket of connection {connection.number}")


def _check_reason(closed: SessionClosed, simulation: FinishedSimulation) -> None:
    require(closed.error in HONEST_ERRORS, f"I8: the client accuses its server: {closed}")
    require(closed.reason != "violation", f"I8: the client calls it a violation: {closed}")
    scenario = simulation.scenario
    if not scenario.faults and scenario.ends_by_itself:
        require(closed.reason not in NETWORK_ENDINGS, f"nothing failed, and yet: {closed}")

    slept_s = sum(fault.for_s for fault in scenario.faults if fault.kind == "sleep_client")
    knew = not simulation.nearly_late and not scenario.is_slow
    if simulation.faults.occurred <= set(OUR_OWN) and slept_s <= MOST_SLEEP_S and knew:
        # F9: the client's own loop slept; what it holds against its server then, it holds against itself.
        given_up = "told Interrupted" in simulation.client_monitor.seen or closed.reason in NETWORK_ENDINGS
        require(not given_up, f"F9: the server was there all the time: {closed}")


def _numbers(text: str) -> list[int]:
    return [int("".join(letter for letter in word if letter.isdigit())) for word in text.split()]


def _check_words(watch: ClientMonitor, simulation: FinishedSimulation) -> None:
    """O3, O13: every final holds exactly the words that begin in its audio."""
    performed, voice = simulation.application.performed, simulation.voice
    spoken = []
    for start, end, audible in performed.spans:
        first = -(-start // voice.block)
        last = -(-end // voice.block)
        spoken += [number for number in range(first, last) if audible and voice.speaks(number)]
    for final in watch.finals:
        begin, end = final.audio
        words = spoken[bisect_left(spoken, begin / voice.block) : bisect_left(spoken, end / voice.block)]
        require(_numbers(final.text) == words, f"O13: {final} should hold {words}")


def _check_complete(
    closed: SessionClosed, watch: ClientMonitor, performed: Performed, simulation: FinishedSimulation
) -> None:
    """``complete``: nothing is lost, and the results are those of an uncut run (I13)."""
    scenario, voice = simulation.scenario, simulation.voice
    account = closed.accounting
    counts = {account.offered, account.sent, account.received, account.processed, account.committed, performed.total}
    require(len(counts) == 1, f"I6: complete, but {account} of {performed.total}")
    require(account.dropped == account.late == watch.lost == 0, f"I6: complete, but {account}, lost {watch.lost}")
    gap = sum(end - start for start, end, audible in performed.spans if not audible)
    require(account.gap == gap, f"I7: {account.gap} samples without audio, not {gap}")
    covered = sum(final.audio[1] - final.audio[0] for final in watch.finals)
    require(
        covered + account.non_speech == performed.total, f"I7: {covered} + {account.non_speech} of {performed.total}"
    )
    require(not watch.open_turn, f"O11: complete, and {watch.open_turn} finals belong to no turn")
    require(account.segments == len(watch.finals), f"I6: {account.segments} segments, {len(watch.finals)} finals")
    require(sorted(watch.answered) == sorted(asked[1] for asked in performed.asked), f"O6: answered {watch.answered}")
    require(set(watch.refused.values()) <= {"unsupported_language"}, f"I8: {watch.refused}")
    said = [_as_told(final) for final in watch.finals]
    wanted = [_as_decided(utterance, voice, scenario) for utterance in expected(performed, scenario, voice)]
    exact = all(at == offered for kind, _, at, offered, _ in performed.asked if kind == "flush")
    if exact:
        require(said == wanted, f"I13: {_difference(said, wanted)}")
    else:
        # A flush of what lies back may be too late for a cut just there: then only the words are the same.
        require(
            [word for told in said for word in told[0].split()]
            == [word for told in wanted for word in told[0].split()],
            f"I13: {_difference(said, wanted)}",
        )


Told = tuple[str, tuple[int, int], str, float, float, tuple[str, ...]]


def _as_told(final: Final) -> Told:
    words = tuple(f"{word.text} {word.start:.3f}" for word in final.words or ())
    return final.text, final.audio, final.reason, final.start, final.end, words


def _as_decided(found: Utterance, voice: SyntheticSpeech, scenario: Scenario) -> Told:
    rate = scenario.start.audio.sample_rate
    end = min(found.end, (found.numbers[-1] + 1) * voice.block)
    start_s, end_s = round(found.numbers[0] * voice.block / rate, 3), round(end / rate, 3)
    starts_s = [number * voice.block / rate for number in found.numbers] if scenario.start.features.words else []
    words = tuple(f"{word} {at_s:.3f}" for word, at_s in zip(found.text.split(), starts_s, strict=False))
    return found.text, (found.start, found.end), found.reason, start_s, end_s, words


def _difference(said: list[Told], wanted: list[Told]) -> str:
    for number, (one, other) in enumerate(zip(said, wanted, strict=False)):
        if one != other:
            return f"final {number} is {one}, an uncut run says {other}"
    return f"{len(said)} finals, an uncut run says {len(wanted)}"
