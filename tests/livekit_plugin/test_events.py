"""The translation, and what else is pure, against any input at all."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APIStatusError, APITimeoutError
from livekit.agents.llm import ChatMessage
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.plugins.auricle.accounting import StreamAccounting
from livekit.plugins.auricle.chat_context import MAX_CHARACTERS, ChatContextPrompt
from livekit.plugins.auricle.downmix import to_mono
from livekit.plugins.auricle.errors import session_error
from livekit.plugins.auricle.events import EventTranslator
from livekit.plugins.auricle.option_updates import OptionUpdates
from livekit.plugins.auricle.options import Options, from_environment
from livekit.plugins.auricle.redaction import redact, secrets_of
from livekit.plugins.auricle.replay_buffer import BYTES_PER_SAMPLE, ReplayBuffer
from livekit.plugins.auricle.timeouts import client_limits
from livekit.plugins.auricle.timestamp_offset import add_offset
from livekit.plugins.auricle.usage import UsageMeter
from livekit.plugins.auricle.wall_clock import TOLERANCE_S, WallClock

from auricle.core import (
    ERROR_CODES,
    Accounting,
    Ack,
    ClientEvent,
    Final,
    Flushed,
    Partial,
    Ready,
    Restarted,
    SessionClosed,
    SpeechEnd,
    SpeechStart,
    Word,
)
from livekit_plugin.harness import Heard

RATE = 16_000
TEXTS = st.sampled_from(["", ".", " … ", "hello", "hello there", "hello there world", "7"])
TIMES = st.floats(0, 100).map(lambda seconds: round(seconds, 3))
WORDS = st.none() | st.lists(
    st.builds(Word, text=st.just("word"), start=TIMES, end=TIMES, confidence=st.none() | st.floats(0, 1)), max_size=3
).map(tuple)
EVENTS: st.SearchStrategy[ClientEvent] = st.one_of(
    st.builds(SpeechStart, seq=st.just(1), at=st.just(0), time=TIMES),
    st.builds(SpeechEnd, seq=st.just(1), at=st.just(0), time=TIMES),
    st.builds(
        Partial, segment=st.just(0), rev=st.just(1), text=TEXTS, start=TIMES, end=TIMES, words=WORDS,
        language=st.sampled_from([None, "en", "de"]),
    ),
    st.builds(
        Final, seq=st.just(1), segment=st.just(0), text=TEXTS, start=TIMES, end=TIMES, words=WORDS,
        confidence=st.floats(0, 1), audio=st.just((0, 1)), reason=st.just("endpoint"),
        language=st.sampled_from([None, "en", "de"]),
    ),
    st.builds(
        Ack, received=st.just(0), processed=TIMES.map(lambda seconds: int(seconds * RATE)), committed=st.just(0),
        credit=st.just(0), discard_before=st.just(0),
    ),
    st.builds(Flushed, seq=st.just(1), id=st.just("f"), upto=st.just(0)),
    st.builds(Restarted, origin_sample=st.just(0), lost_samples=st.just(0)),
    st.just(Ready(seq=1, session="s", credit=0, effective={"language": "fr"})),
)  # fmt: skip


def translator(*, language: str | None = None, preflight_after: float | None = 0.25) -> EventTranslator:
    return EventTranslator(
        sample_rate=RATE,
        language=language,
        preflight_after=preflight_after,
        start_wall_time=lambda at_s: 1000 + at_s,
        end_wall_time=lambda at_s: 1000 + at_s,
    )


def told(translator: EventTranslator, events: Sequence[ClientEvent]) -> list[SpeechEvent]:
    return [*(speech for event in events for speech in translator.translate(event)), *translator.close()]


def partial(text: str, end: float, words: tuple[Word, ...] | None = None) -> Partial:
    return Partial(segment=0, rev=1, text=text, start=0.0, end=end, words=words)


def final(text: str, start: float, end: float, language: str | None = None) -> Final:
    return Final(
        seq=1, segment=0, text=text, start=start, end=end, confidence=0.5, audio=(0, 1), reason="endpoint",
        language=language,
    )  # fmt: skip


def heard_until(seconds: float) -> Ack:
    return Ack(received=0, processed=int(seconds * RATE), committed=0, credit=0, discard_before=0)


class TestTranslation:
    @given(st.lists(EVENTS, max_size=20))
    def test_any_story_is_well_formed(self, events: list[ClientEvent]) -> None:
        speech = told(translator(), events)
        Heard(events=speech).check()
        words = [event for event in events if isinstance(event, Final) and any(c.isalnum() for c in event.text)]
        finals = [event for event in speech if event.type == SpeechEventType.FINAL_TRANSCRIPT]
        assert [event.alternatives[0].text for event in finals] == [event.text for event in words], "no final is lost"

    @given(st.lists(EVENTS, max_size=20))
    def test_a_preflight_is_what_was_said_last_and_comes_once(self, events: list[ClientEvent]) -> None:
        last: str | None = None
        for event in told(translator(), events):
            if event.type == SpeechEventType.INTERIM_TRANSCRIPT:
                last = event.alternatives[0].text
            elif event.type == SpeechEventType.PREFLIGHT_TRANSCRIPT:
                assert event.alternatives[0].text == last
                last = None
            elif event.type in (SpeechEventType.FINAL_TRANSCRIPT, SpeechEventType.END_OF_SPEECH):
                last = None

    @given(st.lists(EVENTS, max_size=20), st.sampled_from(["en", "de-CH"]))
    def test_the_language_is_concrete_where_anybody_knows_it(self, events: list[ClientEvent], language: str) -> None:
        assert all(
            said.language for event in told(translator(language=language), events) for said in event.alternatives
        )

    def test_an_utterance_in_full(self) -> None:
        word = Word(text="hello", start=0.1, end=0.4, confidence=0.9)
        one = translator()
        one.offset_s = 50.0
        speech = told(
            one,
            [
                Ready(seq=1, session="s", credit=0, effective={"language": "en"}),
                SpeechStart(seq=2, at=1600, time=0.1),
                partial("hel", 0.2),
                partial("hello", 0.5, (word,)),
                heard_until(0.6),
                heard_until(0.7),
                heard_until(0.9),
                final("hello", 0.1, 0.4, "en"),
                SpeechEnd(seq=4, at=6400, time=0.4),
            ],
        )
        assert [event.type.value for event in speech] == [
            "start_of_speech",
            "interim_transcript",
            "interim_transcript",
            "preflight_transcript",
            "final_transcript",
            "end_of_speech",
        ]
        said = speech[4].alternatives[0]
        assert (said.text, said.start_time, said.end_time, said.language) == ("hello", 50.1, 50.4, "en")
        assert speech[2].alternatives[0].words[0].start_time == 50.1  # type: ignore[index]
        assert (speech[0].speech_start_time, speech[5].speech_end_time) == (1000.1, 1000.4)
        assert {event.request_id for event in speech} == {"s"}

    def test_speech_that_goes_on_makes_a_preflight_stale(self) -> None:
        speech = told(translator(), [partial("one", 0.5), heard_until(1.0), partial("one two", 1.2), heard_until(1.3)])
        assert [event.type.value for event in speech] == [
            "start_of_speech",
            "interim_transcript",
            "preflight_transcript",
            "interim_transcript",
            "end_of_speech",
        ]

    def test_who_wants_no_preflight_gets_none(self) -> None:
        speech = told(translator(preflight_after=None), [partial("one", 0.5), heard_until(9.0)])
        assert "preflight_transcript" not in [event.type.value for event in speech]

    def test_a_server_without_speech_events_has_them_implied(self) -> None:
        speech = told(translator(), [final("one", 0.0, 0.5), final(".", 0.5, 0.6), final("two", 1.0, 1.5)])
        kinds = [event.type.value for event in speech]
        assert kinds == ["start_of_speech", "final_transcript", "end_of_speech"] * 2


class TestTimestampOffset:
    @given(EVENTS, st.integers(0, 10**9))
    def test_every_position_moves_by_the_offset(self, event: ClientEvent, offset: int) -> None:
        moved = add_offset(event, offset, RATE)
        for before, after in zip(positions(event), positions(moved), strict=True):
            assert after - before == offset
        for before_s, after_s in zip(times(event), times(moved), strict=True):
            assert after_s - before_s == pytest.approx(offset / RATE)


def positions(event: ClientEvent) -> list[int]:
    match event:
        case Ack():
            return [event.received, event.processed, event.committed, event.credit, event.discard_before]
        case SpeechStart() | SpeechEnd():
            return [event.at]
        case Final():
            return [*event.audio]
        case Flushed():
            return [event.upto]
        case Restarted():
            return [event.origin_sample]
        case _:
            return []


def times(event: ClientEvent) -> list[float]:
    match event:
        case SpeechStart() | SpeechEnd():
            return [event.time]
        case Partial() | Final():
            return [event.start, event.end, *(time for word in event.words or () for time in (word.start, word.end))]
        case _:
            return []


class TestReplayBuffer:
    @given(st.lists(st.tuples(st.sampled_from(["append", "skip", "commit"]), st.integers(0, 50)), max_size=30))
    def test_it_holds_exactly_what_is_not_committed(self, steps: list[tuple[str, int]]) -> None:
        audio, model, committed = ReplayBuffer(), list[int | None](), 0
        for what, count in steps:
            if what == "append":
                values = range(len(model), len(model) + count)
                audio.append(np.array(values, dtype=np.int16).tobytes())
                model += values
            elif what == "skip":
                audio.skip(count)
                model += [None] * count
            else:
                audio.commit(count)
                committed = max(committed, min(count, len(model)))
        assert (audio.start, audio.end, bool(audio)) == (committed, len(model), committed < len(model))
        for begin in (committed, (committed + len(model)) // 2):
            got: list[int | None] = []
            for chunk in audio.chunks_from(begin):
                assert chunk.start == begin + len(got)
                pcm = chunk.pcm
                got += [None] * (chunk.end - chunk.start) if pcm is None else np.frombuffer(pcm, np.int16).tolist()
            assert got == model[begin:]
        assert BYTES_PER_SAMPLE == 2


class TestAccounting:
    def test_a_new_session_hears_anew(self) -> None:
        """Else what it hears again would look like standstill."""
        accounting = StreamAccounting(RATE)
        accounting.uncommitted.append(bytes(2 * 10 * RATE))
        accounting.handle(SpeechStart(seq=1, at=0, time=0.0))
        accounting.handle(heard_until(8.0))
        assert accounting.processed == 8 * RATE
        accounting.handle(Ready(seq=1, session="s", credit=0))
        assert accounting.processed == accounting.uncommitted.start == 0


class TestWallClock:
    @given(st.lists(st.tuples(st.floats(0.005, 0.2), st.floats(0, 3)), min_size=1, max_size=60))
    def test_the_wall_clock_never_runs_backwards_and_never_ahead(self, frames: list[tuple[float, float]]) -> None:
        clock, now, at = WallClock(), 1000.0, 0.0
        for seconds, delay in frames:
            now += delay
            clock.add_audio(seconds, now)
            at += seconds
        positions = np.linspace(0, at, 50)
        for read in (clock.time_of_start, clock.time_of_end):
            walls = [read(float(position), now) for position in positions]
            assert all(later >= earlier - 0.001 for earlier, later in pairwise(walls))
            assert max(walls) <= now

    @given(st.floats(0.005, 0.1), st.integers(1, 400), st.data())
    def test_in_real_time_it_is_right(self, seconds: float, count: int, data: st.DataObject) -> None:
        clock = WallClock()
        for number in range(1, count + 1):
            late = data.draw(st.floats(0, TOLERANCE_S / 2)) if number > 1 else 0.0
            clock.add_audio(seconds, 1000 + number * seconds + late)
        for number in range(count):
            at = number * seconds
            assert clock.time_of_start(at, math.inf) == pytest.approx(1000 + at, abs=2 * TOLERANCE_S)

    def test_a_pause_lies_after_what_ends_there_and_before_what_begins_there(self) -> None:
        clock = WallClock()
        clock.add_audio(1.0, 1001.0)
        clock.add_audio(1.0, 1022.0)
        assert clock.time_of_end(1.0, 2000.0) == pytest.approx(1001.0)
        assert clock.time_of_start(1.0, 2000.0) == pytest.approx(1021.0)

    @given(st.lists(st.floats(0, 3), max_size=50))
    def test_usage_is_told_once(self, seconds: list[float]) -> None:
        usage, told_s = UsageMeter(), 0.0
        for some in seconds:
            usage.add(some)
            if usage.due():
                told_s += usage.take()
        assert told_s + usage.take() == pytest.approx(sum(seconds))
        assert usage.take() == 0


class TestOptionUpdates:
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["want", "tell", "answered", "refused"]),
                st.sampled_from(["bias", "language"]),
                st.integers(0, 3),
                st.booleans(),
            ),
            max_size=30,
        )
    )
    def test_what_is_wanted_is_told_in_the_end_or_refused(self, steps: list[tuple[str, str, int, bool]]) -> None:
        updates, server = OptionUpdates({"bias": 0, "language": 0}), {"bias": 0, "language": 0}
        wanted, asked = dict(server), dict[str, object]()
        for what, key, value, speaking in steps:
            if what == "want":
                wanted[key] = value
                updates.want({key: value})
            elif what == "tell":
                due = updates.due(speaking=speaking)
                assert not (due and asked), "one change at a time"
                assert not (speaking and set(due) == {"bias"}), "a bias waits"
                if due:
                    asked = due
                    updates.mark_sent(due)
            elif what == "answered" and asked:
                server |= asked  # type: ignore[arg-type]
                asked = {}
                updates.accept()
            elif what == "refused" and asked:
                for key_, refused in asked.items():
                    wanted[key_] = server[key_] if wanted[key_] == refused else wanted[key_]
                asked = {}
                updates.reject()
        if asked:
            updates.accept()
            server |= asked  # type: ignore[arg-type]
        server |= updates.due(speaking=False)  # type: ignore[arg-type]
        assert server == wanted


class TestErrors:
    @given(
        st.sampled_from(["completed", "error", "shutdown", "lost", "violation", "timeout", "aborted", "session_limit"]),
        st.sampled_from([None, *ERROR_CODES]),
        st.integers(1000, 5000),
        st.booleans(),
        st.booleans(),
    )
    def test_any_end_is_an_api_error_without_secrets(
        self, reason: str, code: str | None, close_code: int, retriable: bool, opened: bool
    ) -> None:
        nothing = Accounting(
            offered=0,
            sent=0,
            received=0,
            processed=0,
            committed=0,
            non_speech=0,
            dropped=0,
            late=0,
            segments=0,
            words=0,
        )
        closed = SessionClosed(
            reason=reason,  # type: ignore[arg-type]
            code=close_code,
            message="at ws://h/?key=s3cret with Bearer k3y",
            complete=False,
            retriable=retriable,
            error=code,
            accounting=nothing,
        )
        error = session_error(closed, secrets_of("ws://h/?key=s3cret", "k3y"), opened=opened)
        assert isinstance(error, APIError)
        assert "s3cret" not in str(error)
        assert "k3y" not in repr(error)
        if reason == "timeout":
            assert isinstance(error, APITimeoutError)
        if reason in ("shutdown", "session_limit", "completed"):
            assert error.retryable
        if reason == "error" and code is not None:
            assert error.retryable == retriable, "the code's own judgement stands"
        assert isinstance(error, APIConnectionError | APIStatusError)

    def test_what_is_not_secret_stays(self) -> None:
        assert redact((), "as it is") == "as it is"


class TestOptions:
    @pytest.mark.parametrize(
        "url", ["ws://host", "wss://host:1/path", "http://host", "https://host/ws?x=1", "ws://[::1]:8765"]
    )
    def test_good_urls(self, url: str) -> None:
        assert Options(url=url).url == url

    @pytest.mark.parametrize("url", ["host:8765", "ftp://host", "ws://", "ws://user:pw@host", "ws://host:99999", ""])
    def test_bad_urls_are_refused_in_one_sentence(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"auricle\.STT cannot use its url: .*\.") as caught:
            Options(url=url)
        assert "pw" not in str(caught.value)

    @pytest.mark.parametrize(
        "wrong",
        [{"silence": -1.0}, {"max_segment": 100.0}, {"drain_timeout": 0.0}, {"max_backlog": -1.0},
         {"keyterms": tuple(map(str, range(501)))},
         {"prompt": "x" * 3000}, {"preflight_after": -0.1}, {"language": "x" * 40}],
    )  # fmt: skip
    def test_bad_options_are_refused(self, wrong: dict[str, object]) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - each has its own sentence
            Options(**wrong)  # type: ignore[arg-type]

    def test_the_environment_is_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AURICLE_URL", raising=False)
        monkeypatch.delenv("AURICLE_API_KEY", raising=False)
        assert from_environment(None, None) == ("ws://127.0.0.1:8765", None)
        monkeypatch.setenv("AURICLE_URL", "wss://ear")
        monkeypatch.setenv("AURICLE_API_KEY", "k")
        assert from_environment(None, None) == ("wss://ear", "k")
        assert from_environment("ws://other", "own") == ("ws://other", "own")

    def test_the_key_is_not_in_the_repr(self) -> None:
        assert "k3y" not in repr(Options(api_key="k3y"))

    def test_keyterms_of_user_and_framework_are_merged(self) -> None:
        bias = Options(keyterms=("a", "b"), session_keyterms=("b", "c"), prompt="p", context="q").bias
        assert (bias.terms, bias.prompt) == (("a", "b", "c"), "p q")

    @given(st.floats(0, 100))
    def test_an_attempt_is_shorter_than_the_timeout(self, timeout: float) -> None:
        limits = client_limits(APIConnectOptions(timeout=timeout), 10.0)
        assert limits.connect_timeout_s + limits.ready_timeout_s < max(timeout, 0.051)
        assert limits.reconnect_timeout_s < max(timeout, 0.051)


class TestSmallThings:
    @given(st.integers(1, 4), st.lists(st.integers(-32768, 32767), min_size=1, max_size=20))
    def test_mono_is_the_mean(self, channels: int, values: list[int]) -> None:
        interleaved = np.repeat(np.array(values, dtype=np.int16), channels)
        mono = to_mono(rtc.AudioFrame(interleaved.tobytes(), 16_000, channels, len(values)))
        assert np.frombuffer(mono.data, np.int16).tolist() == values
        assert mono.num_channels == 1

    @given(st.lists(st.text(max_size=300), max_size=12))
    def test_the_context_is_bounded_and_ends_with_what_was_said_last(self, said: list[str]) -> None:
        context, last = ChatContextPrompt(), None
        for text in said:
            last = context.add(ChatMessage(role="user", content=[text])) or last
        assert last is None or len(last) <= MAX_CHARACTERS
        assert context.add(ChatMessage(role="system", content=["secret instructions"])) is None
