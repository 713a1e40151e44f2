"""What a stream promises, one promise a test, on virtual time."""

import asyncio
import logging
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    APITimeoutError,
    ConversationItemAddedEvent,
)
from livekit.agents.llm import ChatMessage
from livekit.agents.stt import SpeechEventType

from auricle.core import Limits
from livekit_plugin.fake_engine import BLOCK, FAILING_VALUE, RATE, frame_of
from livekit_plugin.harness import EPOCH_S, KEY, Harness, Heard, listen, now, push, run_scenario, speak
from livekit_plugin.simulated_server import SimulatedServer

LOGGER = "livekit.plugins.auricle"


class TestTheEnd:
    def test_a_stream_ends_by_itself_with_every_word(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            push(stream, 1, 2, 0, 0, 0, 0, 3)
            stream.end_input()
            await listen(stream, heard)
            heard.check()
            assert (heard.words, heard.error) == (["w1", "w2", "w3"], None)
            assert heard.ended_at is not None
            assert heard.ended_at < 0.2
            report = stream.report
            assert (report.pushed, report.decided, report.complete) == (0.7, 0.7, True)

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_after_the_end_audio_is_dropped_with_one_warning(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            push(stream, 1)
            for _ in range(10):
                stream.end_input()
            push(stream, 2, 3)
            stream.flush()
            await listen(stream, heard)
            assert heard.words == ["w1"]

        with caplog.at_level(logging.WARNING, logger=LOGGER):
            server = SimulatedServer()
            run_scenario(monkeypatch, server, scenario)
        assert [record.message for record in caplog.records] == [
            "audio that is pushed after end_input() is dropped",
            "a flush after end_input() is dropped: everything will be decided anyway",
        ]
        assert server.heard.count("InputFinished") == 1

    def test_what_nobody_decided_is_said(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            await speak(stream, 1, 0, 0, 0, 0, 2)
            harness.server.down = True
            harness.server.cut()
            stream.end_input()
            await listen(stream, heard)
            assert (heard.words, heard.error, stream.report.complete) == (["w1"], None, False)

        with caplog.at_level(logging.WARNING, logger=LOGGER):
            run_scenario(monkeypatch, SimulatedServer(), scenario, drain_timeout=2.0)
        assert "has not decided the last 0.2 s of audio within drain_timeout (2.0 s)" in caplog.text

    def test_a_closed_or_failed_stream_still_raises(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The framework relies on it: the frames stay where they are for the stream to come."""

        async def scenario(harness: Harness) -> None:
            closed = harness.open()
            await closed.aclose()
            harness.server.refusal = ("unsupported_language", "no Klingon here")
            failed, heard = harness.open(), Heard()
            await listen(failed, heard)
            for stream in (closed, failed):
                with pytest.raises(RuntimeError):
                    push(stream, 1)
                with pytest.raises(RuntimeError):
                    stream.flush()
                with pytest.raises(RuntimeError):
                    stream.end_input()

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_leaving_takes_less_than_a_second_and_never_ends_the_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            for after_s in (0.0, 0.005, 0.05, 0.5):
                stream = harness.open()
                speaking = asyncio.create_task(speak(stream, 1, 2, 3, blocks=30))
                await asyncio.sleep(after_s)
                speaking.cancel()
                began = now()
                await stream.aclose()
                await stream.aclose()
                assert now() - began < 1.0
            await asyncio.sleep(1.0)
            assert "InputFinished" not in harness.server.heard

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_the_stt_closes_its_streams(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            streams = [harness.open() for _ in range(5)]
            await asyncio.sleep(0.1)
            await harness.stt.aclose()
            for stream in streams:
                with pytest.raises(RuntimeError):
                    push(stream, 1)

        run_scenario(monkeypatch, SimulatedServer(), scenario)


class TestTheNetwork:
    def test_a_cut_in_mid_word_costs_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            for word in range(1, 9):
                await speak(stream, word, 0, 0, 0, 0)
                harness.server.cut(forget=word % 2 == 0)
            stream.end_input()
            await listen(stream, heard)
            heard.check()
            assert heard.words == [f"w{word}" for word in range(1, 9)]
            assert stream.report.interruptions >= 2
            begins = [event.alternatives[0].start_time for event in heard.of(SpeechEventType.FINAL_TRANSCRIPT)]
            assert begins == pytest.approx([0.5 * word for word in range(8)])
            assert not harness.errors, "what the client mends is no error"

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_server_that_ends_the_session_is_asked_for_another(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A restart that drains, a session that may last no longer: the rest of the audio is for the next session."""

        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            await speak(stream, 1, 2, 0, 0, 0, 0)
            for conversation in harness.server.each():
                conversation.post(lambda at, it=conversation: it.session.stop_input("shutdown", now=at))
            await speak(stream, 3, 4, 5, 0, 0, 0, 0, 6)
            stream.end_input()
            await listen(stream, heard)
            heard.check()
            assert (heard.words, heard.error) == ([f"w{word}" for word in range(1, 7)], None)
            assert stream.report.sessions == 2
            assert [error.recoverable for error in harness.errors] == [True]
            ends = [event.alternatives[0].end_time for event in heard.of(SpeechEventType.FINAL_TRANSCRIPT)]
            assert ends[-1] == pytest.approx(1.4)

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_goodbye_in_mid_session_is_not_the_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A proxy that is reloaded closes with 1000, as if all had been said."""

        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            await speak(stream, 1, 0, 0, 0, 0)
            for conversation in harness.server.each():
                conversation.wire.hang_up(1000)
            await speak(stream, 2, 3, 0, 0, 0, 0)
            stream.end_input()
            await listen(stream, heard)
            assert (heard.words, heard.error) == (["w1", "w2", "w3"], None)

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_server_that_is_away_for_a_while_hears_everything(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            harness.server.down = True
            heard, stream = Heard(), harness.open()
            await speak(stream, 1, 0, 0, 0, 0, 2, blocks=50)
            harness.server.down = False
            await speak(stream, 3)
            stream.end_input()
            await listen(stream, heard)
            assert heard.words == ["w1", "w2", "w3"]
            assert len(harness.errors) > 0

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_black_hole_is_given_up_inside_the_retry_budget(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An attempt that outlives the timeout would get a new budget (stt.py:488): ours are shorter."""

        async def scenario(harness: Harness) -> None:
            harness.server.unanswered_connects = 100
            heard, stream = Heard(), harness.open(max_retry=2, timeout=1.0, retry_interval=0.5)
            push(stream, 1)
            await listen(stream, heard)
            assert isinstance(heard.error, APIConnectionError)
            assert heard.ended_at is not None
            assert heard.ended_at <= 3 * 1.0 + 0.1 + 0.5
            assert harness.server.connects == 3
            assert [error.recoverable for error in harness.errors] == [True, True, False]
            assert isinstance(harness.errors[0].error, APITimeoutError)

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_half_open_connection_is_noticed_and_costs_no_word(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            await speak(stream, 1, 0, 0, 0, 0)
            for conversation in harness.server.each():
                conversation.wire.half_open = conversation.wire.other.half_open = True
            await speak(stream, *range(2, 22), 0, blocks=100)
            stream.end_input()
            await listen(stream, heard)
            assert heard.words == [f"w{word}" for word in range(1, 22)]

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_too_much_to_keep_is_dropped_and_said_and_the_times_go_on(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def scenario(harness: Harness) -> None:
            harness.server.down = True
            heard, stream = Heard(), harness.open(max_retry=100)
            await speak(stream, 1, 2, 3, blocks=100)
            harness.server.down = False
            await asyncio.sleep(5)
            await speak(stream, 4, 0, 0, 0, 0)
            stream.end_input()
            await listen(stream, heard)
            heard.check()
            assert heard.words[0] == "w1"
            assert heard.words[-1] == "w4"
            last = heard.of(SpeechEventType.FINAL_TRANSCRIPT)[-1].alternatives[0]
            assert last.start_time == pytest.approx(3.0)
            assert 1.0 < stream.report.lost < 2.1
            assert stream.report.complete is False

        with caplog.at_level(logging.WARNING, logger=LOGGER):
            run_scenario(monkeypatch, SimulatedServer(), scenario, max_backlog=1.0)
        assert [record.message for record in caplog.records].count(
            "the server has been away for too long: audio is dropped"
        ) == 1

    def test_a_server_that_lives_and_hears_nothing_is_left_for_another_session(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            await speak(stream, 1, 0, 0, 0, 0)
            harness.server.stalled = True
            await speak(stream, *range(2, 42), blocks=100)
            harness.server.stalled = False
            await speak(stream, 42)
            stream.end_input()
            await listen(stream, heard)
            heard.check()
            assert set(heard.words) == {f"w{word}" for word in range(1, 43)}
            assert isinstance(harness.errors[0].error, APITimeoutError)
            assert harness.errors[0].timestamp - EPOCH_S < 31

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_model_may_take_its_time_to_load_as_long_as_the_server_says_so(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario(harness: Harness) -> None:
            harness.server.loading_s = 42.0
            heard, stream = Heard(), harness.open(max_retry=0)
            await speak(stream, *range(1, 50), blocks=100)
            stream.end_input()
            await listen(stream, heard)
            assert (heard.words, heard.error) == ([f"w{word}" for word in range(1, 50)], None)
            assert harness.server.connects == 1

        run_scenario(monkeypatch, SimulatedServer(), scenario)


class TestMemory:
    def test_an_hour_of_silence_is_not_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            uncommitted, most = stream._accounting.uncommitted, 0
            for _ in range(360):
                await asyncio.sleep(10.0)
                stream.push_frame(rtc.AudioFrame(bytes(320_000), RATE, 1, 160_000))
                most = max(most, len(uncommitted))
            await speak(stream, 1)
            harness.server.cut(forget=True)
            stream.end_input()
            await listen(stream, heard)
            assert heard.words == ["w1"]
            assert most <= 12 * RATE
            assert stream.report.complete is True

        run_scenario(monkeypatch, SimulatedServer(), scenario)


class TestErrors:
    @pytest.mark.parametrize(
        ("code", "retryable", "status"),
        [
            ("unsupported_language", False, 422),
            ("unauthorized", False, 401),
            ("forbidden", False, 403),
            ("capacity", True, 503),
            ("engine_unavailable", True, 503),
            ("internal", True, 500),
        ],
    )
    def test_a_refusal_is_retried_only_where_that_may_help(
        self, monkeypatch: pytest.MonkeyPatch, code: str, retryable: bool, status: int
    ) -> None:
        async def scenario(harness: Harness) -> None:
            harness.server.refusal = (code, "no")
            heard, stream = Heard(), harness.open(max_retry=2)
            await listen(stream, heard)
            assert isinstance(heard.error, APIError)
            first = harness.errors[0].error
            assert isinstance(first, APIStatusError)
            assert (first.status_code, first.retryable) == (status, retryable)
            starts = len(harness.server.starts)
            # Within each attempt of the framework, the client itself tries again where another server may have room.
            assert starts > 3 if code == "capacity" else starts == (3 if retryable else 1)

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_an_engine_that_fails_on_an_utterance_is_told_and_costs_only_that(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            await speak(stream, 1, 0, 0, 0, 0, FAILING_VALUE, 0, 0, 0, 0, 2, 0, 0, 0, 0)
            stream.end_input()
            await listen(stream, heard)
            heard.check()
            assert (heard.words, heard.error) == (["w1", "w2"], None)
            assert [(error.recoverable, str(error.error)) for error in harness.errors] == [
                (True, "Auricle: it cannot be said")
            ]
            assert stream.report.lost == pytest.approx(0.5, abs=0.15)
            assert stream.report.complete is False

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_no_exception_carries_a_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            harness.server.down = True
            heard, stream = Heard(), harness.open(max_retry=1)
            await listen(stream, heard)
            with pytest.raises(APIError) as caught:
                await harness.stt.recognize(rtc.AudioFrame(bytes(320), 16_000, 1, 160))
            for error in [heard.error, caught.value, *(error.error for error in harness.errors)]:
                seen: BaseException | None = error
                while seen is not None:
                    for secret in (KEY, "query-secret"):
                        assert secret not in f"{seen} {seen!r} {seen.args}"
                    seen = seen.__cause__ or seen.__context__
            assert KEY not in repr(harness.stt._options)

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_the_key_is_shown_to_the_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            stream = harness.open()
            await asyncio.sleep(0.1)
            await stream.aclose()
            assert ("Authorization", f"Bearer {KEY}") in harness.server.headers

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_mistake_of_ours_is_an_api_error_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of anything else the framework would be deaf for good."""

        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open(max_retry=1)
            monkeypatch.setattr(stream._translator, "translate", lambda event: 1 / 0)
            await listen(stream, heard)
            assert isinstance(heard.error, APIConnectionError)
            assert "ZeroDivisionError" in str(harness.errors[0].error)
            heard, stream = Heard(), harness.open(max_retry=1)
            monkeypatch.setattr(stream._accounting.uncommitted, "append", lambda pcm: 1 / 0)
            push(stream, 1)
            await listen(stream, heard)
            assert isinstance(heard.error, APIConnectionError)

        run_scenario(monkeypatch, SimulatedServer(), scenario)


class TestFlush:
    def test_a_flush_in_mid_utterance_is_answered_by_its_final_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            listening = asyncio.create_task(listen(stream, heard))
            await speak(stream, 1, 2)
            stream.flush()
            await asyncio.sleep(0.1)
            assert heard.texts == ["w1 w2"]
            assert len(heard.of(SpeechEventType.FINAL_TRANSCRIPT)) == 1
            stream.end_input()
            await listening
            assert stream.report.flushes == 1

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_an_empty_flush_is_answered_by_an_empty_final(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            listening = asyncio.create_task(listen(stream, heard))
            await asyncio.sleep(0.1)
            for number, blocks in enumerate((0, 20, 0), start=1):
                await speak(stream, 0, blocks=blocks)
                stream.flush()
                await asyncio.sleep(0.05)
                finals = heard.of(SpeechEventType.FINAL_TRANSCRIPT)
                assert [final.alternatives[0].text for final in finals] == [""] * number
            stream.end_input()
            await listening
            heard.check()

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_flush_survives_the_session_it_was_asked_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            listening = asyncio.create_task(listen(stream, heard))
            await speak(stream, 1, 0, 0, 0, 0)
            harness.server.ignore_flushes = True
            stream.flush()
            await asyncio.sleep(0.1)
            harness.server.ignore_flushes = False
            harness.server.cut(forget=True)
            await asyncio.sleep(1.0)
            assert [final.alternatives[0].text for final in heard.of(SpeechEventType.FINAL_TRANSCRIPT)] == ["w1", ""]
            stream.end_input()
            await listening

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_flush_is_asked_again_where_the_session_ended_for_good(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            listening = asyncio.create_task(listen(stream, heard))
            await speak(stream, 1)
            harness.server.ignore_flushes = True
            stream.flush()
            await asyncio.sleep(0.1)
            harness.server.ignore_flushes = False
            for conversation in harness.server.each():
                conversation.post(lambda at, it=conversation: it.session.fail("internal", "oops", now=at))
            await asyncio.sleep(1.0)
            assert heard.texts == ["w1"]
            assert harness.server.heard.count("FlushRequested") == 2
            stream.end_input()
            await listening

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_storm_of_flushes_is_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            await speak(stream, 1)
            for _ in range(1000):
                stream.flush()
            stream.end_input()
            await listen(stream, heard)
            assert heard.words == ["w1"]
            assert harness.server.heard.count("FlushRequested") == 1

        run_scenario(monkeypatch, SimulatedServer(), scenario)


class TestTheTimeline:
    def test_the_offset_is_honoured_once_over_any_number_of_retries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            stream.start_time_offset = 7.0
            stream.start_time_offset = 100.0
            await speak(stream, 1, 0, 0, 0, 0)
            for conversation in harness.server.each():
                conversation.post(lambda at, it=conversation: it.session.fail("internal", "oops", now=at))
            await speak(stream, 2, 0, 0, 0, 0)
            stream.end_input()
            await listen(stream, heard)
            finals = [event.alternatives[0] for event in heard.of(SpeechEventType.FINAL_TRANSCRIPT)]
            assert [final.start_time for final in finals] == pytest.approx([100.0, 100.5])
            words = [word for final in finals for word in final.words or ()]
            assert [word.start_time for word in words] == pytest.approx([100.0, 100.5])
            assert stream.start_time_offset == 100.0
            assert stream.report.sessions == 2

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_speech_begins_and_ends_on_the_wall_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            stream.start_time_offset = 50.0
            await asyncio.sleep(3.0)
            await speak(stream, 1, 2, 0, 0, 0, 0)
            await asyncio.sleep(20.0)  # nobody pushes anything: a muted track
            await speak(stream, 3, 0, 0, 0, 0)
            stream.end_input()
            await listen(stream, heard)
            starts = [event.speech_start_time for event in heard.of(SpeechEventType.START_OF_SPEECH)]
            ends = [event.speech_end_time for event in heard.of(SpeechEventType.END_OF_SPEECH)]
            assert starts == pytest.approx([EPOCH_S + 3.0, EPOCH_S + 23.6], abs=0.02)
            assert ends == pytest.approx([EPOCH_S + 3.2, EPOCH_S + 23.7], abs=0.02)
            assert stream.start_time == pytest.approx(EPOCH_S + 3.0, abs=0.02)

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_usage_is_told_in_increments_and_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            listening = asyncio.create_task(listen(stream, heard))
            await speak(stream, 1, 0, 0, 0, 0, *([0] * 150))
            harness.server.cut(forget=True)
            await speak(stream, 2)
            stream.end_input()
            await listening
            usage = [event.recognition_usage for event in heard.of(SpeechEventType.RECOGNITION_USAGE)]
            seconds = [told.audio_duration for told in usage if told is not None]
            assert sum(seconds) == pytest.approx(15.6)
            assert max(seconds) < 5.5
            billed = [metric.audio_duration for metric in harness.metrics]
            assert sum(billed) == pytest.approx(15.6)
            assert harness.metrics[0].acquire_time > 0
            assert harness.metrics[-1].metadata.model_name == "fake-1"

        run_scenario(monkeypatch, SimulatedServer(), scenario)


class TestAudio:
    @pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 44_100, 48_000])
    @pytest.mark.parametrize("channels", [1, 2])
    def test_any_rate_and_any_channels(self, monkeypatch: pytest.MonkeyPatch, rate: int, channels: int) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            samples = rate // 50
            for _ in range(100):
                stream.push_frame(rtc.AudioFrame(bytes(2 * channels * samples), rate, channels, samples))
            stream.end_input()
            await listen(stream, heard)
            assert heard.error is None
            assert stream.report.pushed == pytest.approx(2.0, abs=0.05)

        server = SimulatedServer()
        run_scenario(monkeypatch, server, scenario)

    def test_the_rate_may_change_in_mid_stream(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            for rate in (48_000, 16_000, 8_000, 44_100):
                for _ in range(50):
                    stream.push_frame(rtc.AudioFrame(bytes(2 * rate // 50), rate, 1, rate // 50))
            push(stream, 7)
            stream.end_input()
            await listen(stream, heard)
            assert heard.error is None
            assert heard.words[-1] == "w7"  # resampled silence is dithered, and the fake engine takes that for words
            assert stream.report.pushed == pytest.approx(4.1, abs=0.05)

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_stereo_is_the_mean_of_its_channels(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            left_and_right = rtc.AudioFrame(b"\x04\x00\x0a\x00" * 1600, 16_000, 2, 1600)
            stream.push_frame(left_and_right)
            stream.end_input()
            await listen(stream, heard)
            assert heard.words == ["w7"]

        run_scenario(monkeypatch, SimulatedServer(), scenario)


class TestOptions:
    def test_options_change_in_band_and_bias_waits_for_the_end_of_the_utterance(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            listening = asyncio.create_task(listen(stream, heard))
            await speak(stream, 1, 2)
            harness.stt._update_session_keyterms(["Auricle"])
            harness.stt.update_options(keyterms=["LiveKit"])
            await speak(stream, 3)
            assert "ConfigureRequested" not in harness.server.heard
            await speak(stream, 0, 0, 0, 0)
            assert harness.server.heard.count("ConfigureRequested") == 1
            await speak(stream, 4, 5)
            harness.stt.update_options(language="german")
            await speak(stream, 6)
            assert harness.server.heard.count("ConfigureRequested") == 2
            stream.end_input()
            await listening
            heard.check()
            assert heard.words == [f"w{word}" for word in range(1, 7)]
            assert harness.server.connects == 1
            assert stream.report.complete is True

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_storm_of_changes_ends_with_the_last_of_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The server refuses what comes too fast: that is no verdict on what is asked for."""

        async def scenario(harness: Harness) -> None:
            stream = harness.open()
            await speak(stream, 1, 0, 0, 0, 0)
            for number in range(40):
                harness.stt.update_options(language="de" if number % 2 else "fr", silence=0.3 + number / 100)
                await speak(stream, 0, blocks=1)
            await speak(stream, *(0,) * 60)
            config = harness.server.each()[0].session.snapshot.config
            assert (config.language, config.endpointing.silence_ms) == ("de", 690)
            assert harness.stt._options.language == "de"

        run_scenario(monkeypatch, SimulatedServer(), scenario, language="en")

    def test_a_storm_of_flushes_ends_with_every_word_and_without_an_answer_that_has_none(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open()
            listening = asyncio.create_task(listen(stream, heard))
            words = [*range(1, 31)]
            for word in words:
                await speak(stream, word, blocks=5)
                stream.flush()
            await asyncio.sleep(5)
            assert heard.words == [f"w{word}" for word in words]
            assert heard.texts == [final.alternatives[0].text for final in heard.of(SpeechEventType.FINAL_TRANSCRIPT)]
            stream.end_input()
            await listening

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_change_that_is_refused_is_undone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            stream, heard = harness.open(), Heard()
            await speak(stream, 1, 0, 0, 0, 0)
            harness.stt.update_options(language="tlh", keyterms=["k'plah"])
            await speak(stream, 2, 0, 0, 0, 0)
            harness.stt.update_options(keyterms=["hello"])
            await asyncio.sleep(0.1)
            assert harness.server.each()[0].session.snapshot.config.bias.terms == ("hello",)
            for conversation in harness.server.each():
                conversation.post(lambda at, it=conversation: it.session.fail("internal", "oops", now=at))
            await speak(stream, 3)
            stream.end_input()
            await listen(stream, heard)
            assert (heard.words, heard.error) == (["w1", "w2", "w3"], None)
            assert [start.language for start in harness.server.starts] == ["en", "en"]
            again, heard = harness.open(), Heard()
            push(again, 4)
            again.end_input()
            await listen(again, heard)
            assert heard.words == ["w4"]
            assert harness.server.starts[-1].language == "en", "the STT has taken it back too"

        run_scenario(monkeypatch, SimulatedServer(), scenario, language="en")

    def test_what_was_changed_again_is_not_taken_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            stream = harness.open()
            await speak(stream, 1)
            harness.stt.update_options(language="tlh")
            await asyncio.sleep(0)
            harness.stt.update_options(language="de", languages=["de", "fr"])
            await speak(stream, 2, 3)
            config = harness.server.each()[0].session.snapshot.config
            assert (config.language, config.languages) == ("de", ("de", "fr"))
            assert harness.stt._options.language == "de"
            await stream.aclose()

        run_scenario(monkeypatch, SimulatedServer(), scenario, language="en")

    def test_too_many_keyterms_are_said_and_never_raised_into_the_framework(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def scenario(harness: Harness) -> None:
            harness.stt._update_session_keyterms([f"term {number}" for number in range(501)])

        run_scenario(monkeypatch, SimulatedServer(), scenario)
        assert "1 of 501 keyterms are left out" in caplog.text

    def test_the_conversation_becomes_a_prompt(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            harness.open()
            await asyncio.sleep(0.1)
            for role, text in (
                ("user", "I am called Aurelie."),
                ("system", "Be nice."),
                ("assistant", "Hello Aurelie!"),
            ):
                item = ChatMessage(role=role, content=[text])  # type: ignore[arg-type]
                harness.stt._push_conversation_item(ConversationItemAddedEvent(item=item))
                await asyncio.sleep(0.1)
            config = harness.server.each()[0].session.snapshot.config
            assert config.bias.prompt == "I am called Aurelie. Hello Aurelie!"
            assert harness.server.connects == 1

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_stream_has_the_language_it_is_opened_with(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            harness.stt.stream(language="french")
            harness.stt.stream()
            await asyncio.sleep(0.1)
            assert [start.language for start in harness.server.starts] == ["fr", "de"]

        run_scenario(monkeypatch, SimulatedServer(), scenario, language="de")

    def test_what_cannot_be_changes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            before = harness.stt._options
            with pytest.raises(ValueError, match="An option of"):
                harness.stt.update_options(silence=-1, language="de")
            assert harness.stt._options == before

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_new_session_is_opened_with_the_changed_options(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            stream, heard = harness.open(), Heard()
            await speak(stream, 1, 0, 0, 0, 0)
            harness.stt.update_options(language="de", silence=0.7)
            await asyncio.sleep(0.1)
            for conversation in harness.server.each():
                conversation.post(lambda at, it=conversation: it.session.fail("internal", "oops", now=at))
            await asyncio.sleep(1.0)
            stream.end_input()
            await listen(stream, heard)
            start = harness.server.starts[-1]
            assert (start.language, start.endpointing.silence_ms) == ("de", 700)
            assert harness.server.heard.count("ConfigureRequested") == 1

        run_scenario(monkeypatch, SimulatedServer(), scenario)


class TestRecognize:
    def test_a_recording_in_one_piece(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            pcm = b"".join(value.to_bytes(2, "little") * 1600 for value in (1, 2, 0, 0, 0, 0, 3))
            event = await harness.stt.recognize(rtc.AudioFrame(pcm, 16_000, 1, len(pcm) // 2), language="en")
            said = event.alternatives[0]
            assert (event.type, said.text, said.language) == (SpeechEventType.FINAL_TRANSCRIPT, "w1 w2 w3", "en")
            assert [word.start_time for word in said.words or ()] == pytest.approx([0.0, 0.1, 0.6])
            nothing = await harness.stt.recognize([])
            assert nothing.alternatives[0].text == ""

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_frames_of_several_rates_are_one_recording(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            frames = [rtc.AudioFrame(bytes(2 * rate), rate, 1, rate) for rate in (16_000, 48_000, 8_000)]
            await harness.stt.recognize([*frames, rtc.AudioFrame(frame_of(7, 100), RATE, 1, 100 * BLOCK)])
            assert {start.audio.sample_rate for start in harness.server.starts} == {16_000}
            (one,) = harness.server.conversations.values()
            assert one.session.snapshot.received == pytest.approx(4 * 16_000, abs=200)

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    @pytest.mark.parametrize("after_end", ["never closes", "goes mute", "closes at once", "dies"])
    def test_a_transcript_that_is_not_proven_is_an_error(self, monkeypatch: pytest.MonkeyPatch, after_end: Any) -> None:
        async def scenario(harness: Harness) -> None:
            with pytest.raises(APIError):
                await harness.stt.recognize(rtc.AudioFrame(bytes(3200), 16_000, 1, 1600))
            assert now() < 90

        run_scenario(monkeypatch, SimulatedServer(after_end=after_end), scenario)

    def test_an_engine_that_hears_nothing_is_not_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            harness.server.stalled = True
            once = APIConnectOptions(max_retry=0)
            with pytest.raises(APITimeoutError):
                await harness.stt.recognize(rtc.AudioFrame(bytes(3200), 16_000, 1, 1600), conn_options=once)
            assert now() < 10.0 + 2.0

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_an_engine_that_serves_others_first_is_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            harness.server.stalled = True
            serving = asyncio.create_task(serve_others(harness, 60.0))
            once = APIConnectOptions(max_retry=0)
            with pytest.raises(APITimeoutError):
                await harness.stt.recognize(rtc.AudioFrame(bytes(3200), 16_000, 1, 1600), conn_options=once)
            assert 60.0 < now() < 60.0 + 10.0 + 7.0
            await serving

        run_scenario(monkeypatch, SimulatedServer(), scenario)


def test_a_stream_is_left_with_a_server_that_serves_others_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(harness: Harness) -> None:
        stream = harness.open()
        await speak(stream, 1, 0, 0, 0, 0)
        harness.server.stalled = True
        await speak(stream, 2)
        await serve_others(harness, 60.0)
        assert not harness.errors
        await stream.aclose()

    run_scenario(monkeypatch, SimulatedServer(), scenario)


async def serve_others(harness: Harness, seconds: float) -> None:
    """Let the engine work, for other sessions than those that are open."""
    until_s = now() + seconds
    while now() < until_s:
        for conversation in harness.server.conversations.values():
            conversation.post(lambda now, session=conversation.session: session.queue_moved(0.0, now=now))
        await asyncio.sleep(5.0)


def test_prewarm_meets_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(harness: Harness) -> None:
        harness.stt.prewarm()
        harness.stt.prewarm()
        await asyncio.sleep(1.0)
        assert (harness.stt.model, harness.stt.provider, harness.server.connects) == ("fake-1", "Auricle (fake)", 1)

    run_scenario(monkeypatch, SimulatedServer(limits=Limits()), scenario)
