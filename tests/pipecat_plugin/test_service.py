"""A pipeline with the service: what it pushes, when, and how it ends."""

import asyncio
from typing import Any

import pytest
from livekit_plugin.simulated_server import SimulatedServer
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    InputAudioRawFrame,
    MetricsFrame,
    STTMetadataFrame,
    STTMuteFrame,
    TranscriptionFrame,
)
from pipecat.metrics.metrics import STTUsageMetricsData
from pipecat.transcriptions.language import Language

from pipecat_auricle.service import TTFS_P99_S
from pipecat_plugin.harness import Harness, run_scenario
from pipecat_plugin.running_pipeline import now


def test_words_come_while_they_are_spoken_and_once_more_as_finals(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1, 2, 0, 0, 0, 0, 3)
        await it.end()
        assert [frame.text for frame in it.finals] == ["w1 w2", "w3"]
        assert [frame.text for frame in it.interims] == ["w1", "w1 w2", "w3"]
        final = it.finals[0]
        assert (final.language, final.user_id) == (Language.EN, "")
        assert final.timestamp.startswith("20")
        result: Any = final.result
        assert [(word.text, word.start) for word in result.words] == [("w1", 0.0), ("w2", 0.1)]
        assert (result.start, result.reason) == (0.0, "endpoint")
        interim: Any = it.interims[0].result
        assert interim.stable == 0
        assert it.errors == []

    run_scenario(monkeypatch, scenario)


def test_the_end_of_speech_asks_for_the_final_which_is_marked_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.speech_begins()
        await it.say(1, 0, 0)
        await it.speech_ends()
        await it.sink.until(TranscriptionFrame)
        (final,) = it.finals
        assert (final.text, final.finalized) == ("w1", True)
        # Speech had ended before the silence that the detector waited for.
        assert it.ttfb_s == [pytest.approx(0.2 + 0.02, abs=0.011)]
        await it.end()

    run_scenario(monkeypatch, scenario)


def test_a_storm_of_ends_of_speech_ends_with_every_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server does not take all of the flushes, and the last of them stands for those."""

    async def scenario(it: Harness) -> None:
        words = [*range(1, 31)]
        for word in words:
            await it.speech_begins()
            await it.say(word, blocks=5)
            await it.speech_ends()
        await asyncio.sleep(5)
        assert " ".join(final.text for final in it.finals).split() == [f"w{word}" for word in words]
        assert it.finals[-1].finalized
        await it.end()

    run_scenario(monkeypatch, scenario)


def test_a_final_before_the_end_of_speech_does_not_leave_the_time_to_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.speech_begins()
        await it.say(1, 0, 0, 0, 0)  # the server has ended the utterance by itself
        await it.sink.until(TranscriptionFrame)
        await it.speech_ends()
        await asyncio.sleep(0.1)  # and not the two seconds after which Pipecat gives up to wait
        (final,) = it.finals
        assert not final.finalized
        assert it.ttfb_s == [pytest.approx(0.2 + 0.02, abs=0.011)]
        await it.end()

    run_scenario(monkeypatch, scenario)


def test_only_the_answer_to_the_last_end_of_speech_is_finalised(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SimulatedServer()
    server.processing_delay_s = 0.05

    async def scenario(it: Harness) -> None:
        await it.speech_begins()
        await it.say(1, blocks=4)
        await it.speech_ends()
        await it.say(0, blocks=1)
        await it.speech_begins()  # before the answer
        await it.say(2, blocks=4)
        await it.speech_ends()
        await it.sink.until(TranscriptionFrame, 2)
        assert [(frame.text, frame.finalized) for frame in it.finals] == [("w1", False), ("w2", True)]
        await it.end()

    run_scenario(monkeypatch, scenario, server)


def test_the_end_frame_comes_after_the_last_final(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1, 2)
        await it.end()
        kinds = [type(frame) for frame in it.sink.frames if isinstance(frame, TranscriptionFrame | EndFrame)]
        assert kinds == [TranscriptionFrame, EndFrame]
        report = it.stt.report
        assert report is not None
        assert (report.complete, report.lost_s, report.given_s) == (True, 0.0, pytest.approx(0.2))

    run_scenario(monkeypatch, scenario)


@pytest.mark.parametrize("after_end", ["never closes", "goes mute", "closes at once", "resets", "dies"])
def test_a_pipeline_ends_whatever_the_server_does_after_the_end_of_input(
    monkeypatch: pytest.MonkeyPatch, after_end: Any
) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1, 2)
        begun = now()
        await it.end()
        assert it.ended_at - begun < 20
        if after_end in ("never closes", "resets"):
            assert it.words == ["w1", "w2"]
        else:
            assert it.words == ["w1", "w2"] or it.errors, "what is lost is said"

    run_scenario(monkeypatch, scenario, SimulatedServer(after_end=after_end), drain_timeout_s=5.0)


def test_a_cancelled_pipeline_leaves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1)
        begun = now()
        await it.end(CancelFrame())
        assert it.ended_at - begun < 2

    run_scenario(monkeypatch, scenario, SimulatedServer(after_end="goes mute"))


def test_a_pipeline_without_audio_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.speech_ends()  # and a flush with nothing to answer
        await it.end()
        assert (it.words, it.errors) == ([], [])

    run_scenario(monkeypatch, scenario)


def test_audio_passes_and_the_service_tells_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1)
        await it.end()
        assert len(it.sink.of(InputAudioRawFrame)) == 10
        (told,) = it.sink.of(STTMetadataFrame)
        assert told.ttfs_p99_latency == TTFS_P99_S

    run_scenario(monkeypatch, scenario)


def used(it: Harness) -> list[float]:
    data = [item for frame in it.sink.of(MetricsFrame) for item in frame.data]
    return [item.value.audio_seconds for item in data if isinstance(item, STTUsageMetricsData)]


def test_usage_is_what_was_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1, 0, 0, 0, 0, 2)
        assert sum(used(it)) == pytest.approx(0.4, abs=0.05), "with the final"
        await it.end()
        assert sum(used(it)) == pytest.approx(0.6)

    run_scenario(monkeypatch, scenario)


def test_a_mute_ends_what_was_being_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1)
        await it.worker.queue_frame(STTMuteFrame(mute=True))
        await it.say(9)
        await it.sink.until(TranscriptionFrame)
        await it.worker.queue_frame(STTMuteFrame(mute=False))
        await it.say(2)
        await it.end()
        assert [frame.text for frame in it.finals] == ["w1", "w2"]

    run_scenario(monkeypatch, scenario)


def test_interim_results_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1)
        await it.end()
        assert it.server.starts[0].features.partials is False

    run_scenario(monkeypatch, scenario, interim_results=False)
