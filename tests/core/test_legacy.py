"""The legacy dialect, a test for each row of wire-protocols §3.11, both ways round."""

import json
from typing import Any

import pytest

from auricle.core import (
    AudioFormat,
    ClientSession,
    CloseTransport,
    Emit,
    ErrorMessage,
    Final,
    Limits,
    LocalProtocolError,
    Ready,
    ServerInfo,
    ServerSession,
    SessionClosed,
    Start,
    Started,
    State,
    Transmit,
)
from auricle.core.session import Outputs
from core.link import Link, only_ending

FINAL = {"start_s": 0.25, "end_s": 0.5, "confidence": 0.75, "reason": "endpoint"}


class OldClient:
    """A legacy client, frame by frame, against our server."""

    def __init__(self, config: str = "{}", limits: Limits | None = None) -> None:
        self.server = ServerSession(None, now=0.0, limits=limits)
        self.said: list[Any] = []
        self.events: list[Any] = []
        self.close: CloseTransport | None = None
        self.send(config)

    def send(self, frame: str | bytes) -> None:
        self.take(self.server.receive(frame, now=0.0))

    def take(self, outputs: Outputs) -> None:
        for output in outputs:
            match output:
                case Transmit(frame=frame):
                    self.said.append(json.loads(frame))
                case Emit(event=event):
                    self.events.append(event)
                case CloseTransport():
                    self.close = output
                case _:
                    raise AssertionError(output)

    def accept(self) -> None:
        self.take(self.server.accept("s", ServerInfo(name="x"), now=0.0))

    def final(self, text: str, end: int) -> None:
        self.take(self.server.final(text, end_sample=end, now=0.0, **FINAL))  # type: ignore[arg-type]


class TestAnOldClientAndOurServer:
    @pytest.mark.parametrize(
        ("config", "rate", "language", "task"),
        [
            ("{}", 16_000, None, "transcribe"),
            ('{"language":"de","sample_rate":44100,"task":"translate"}', 44_100, "de", "translate"),
            ('{"language":null,"sample_rate":null,"task":null}', 16_000, None, "transcribe"),
            ('{"task":"sing","mood":"good"}', 16_000, None, "transcribe"),
            ('{"language":"auto","sample_rate":"16000"}', 16_000, None, "transcribe"),
            ('{"language":"","sample_rate":"","task":""}', 16_000, None, "transcribe"),
            ('{"language":"en_US","sample_rate":16000.0}', 16_000, "en-US", "transcribe"),
            ('{"language":"German","sample_rate":"44100.0"}', 44_100, "de", "transcribe"),
        ],
    )
    def test_the_first_text_is_the_configuration(self, config: str, rate: int, language: Any, task: str) -> None:
        (started,) = OldClient(config).events
        assert isinstance(started, Started)
        start = started.config
        assert (start.audio, start.language, start.task) == (AudioFormat(sample_rate=rate), language, task)
        assert not any((start.features.partials, start.features.acks, start.features.speech_events, start.resume))

    def test_a_configuration_that_is_wrong_is_an_error_and_a_close(self) -> None:
        client = OldClient('{"sample_rate":"fast"}')
        assert client.said[0]["type"] == "error"
        assert client.close is not None
        assert client.close.code == 4400

    @pytest.mark.parametrize("rate", ['"fast"', "8000.5", "true", "[]", '"nan"', "1e400"])
    def test_a_rate_that_is_none_is_said(self, rate: str) -> None:
        client = OldClient(f'{{"sample_rate":{rate}}}')
        assert [item["type"] for item in client.said] == ["error"]

    @pytest.mark.parametrize("length", [1, 320_001, 1_048_576, 3_000_000])
    def test_a_frame_of_any_length_is_taken_piece_by_piece(self, length: int) -> None:
        client = OldClient()
        client.accept()
        client.send(bytes(length))
        assert client.server.closed is None
        assert client.server.snapshot.received == length // 2

    @pytest.mark.parametrize(
        ("head", "name"),
        [
            (b"OggS", "an Ogg file"),
            (b"fLaC", "a FLAC file"),
            (b"ID3", "an MP3 file"),
            (b"\x1aE\xdf\xa3", "a WebM or Matroska file"),
            (b"\0\0\0\x20ftypM4A", "an MP4 or M4A file"),
        ],
    )
    def test_a_container_that_is_sent_as_pcm_is_answered_with_a_sentence(self, head: bytes, name: str) -> None:
        client = OldClient()
        client.accept()
        client.send(head + bytes(100))
        (error,) = client.said[1:]
        assert name in error["message"]
        assert client.close is not None

    def test_the_header_of_a_wav_file_is_noise_as_it_always_was_and_later_bytes_are_never_a_container(self) -> None:
        client = OldClient()
        client.accept()
        client.send(b"RIFF" + bytes(40))
        client.send(b"OggS" + bytes(40))
        assert client.server.snapshot.received == 44
        assert client.server.closed is None

    def test_an_error_comes_before_every_close_that_is_not_a_normal_one(self) -> None:
        client = OldClient()
        client.accept()
        client.send(bytes(200))
        client.take(client.server.shut_down(now=0.0))
        client.take(client.server.progress(100, now=0.0))
        client.take(client.server.finish(now=0.0))
        assert [item["type"] for item in client.said] == ["ready", "error"]
        assert "shutdown" in client.said[1]["message"]
        assert client.close is not None
        assert client.close.code == 1012

    def test_ready_has_exactly_the_old_keys(self) -> None:
        client = OldClient()
        client.accept()
        assert client.said == [{"type": "ready", "message": "Ready to receive audio"}]

    def test_binary_is_audio_without_credit(self) -> None:
        client = OldClient(limits=Limits(window_s=0.1))
        client.accept()
        for _ in range(5):
            client.send(bytes(3_200))
        assert client.server.snapshot.received == 8_000
        assert client.server.closed is None

    def test_it_is_not_read_while_too_much_of_its_audio_waits(self) -> None:
        client = OldClient(limits=Limits(window_s=0.1))
        client.accept()
        client.send(bytes(3_200))
        assert client.server.reading_suspended
        client.take(client.server.progress(1_600, now=0.0))
        assert not client.server.reading_suspended

    def test_it_is_read_again_once_its_input_has_ended(self) -> None:
        client = OldClient(limits=Limits(window_s=0.1))
        client.accept()
        client.send(bytes(3_200))
        client.send('{"type":"end_of_stream"}')
        assert not client.server.reading_suspended, "its Close frame would never be seen"

    def test_it_is_read_again_once_the_session_has_failed(self) -> None:
        client = OldClient(limits=Limits(window_s=0.1))
        client.accept()
        client.send(bytes(3_200))
        client.take(client.server.fail("internal", "a fault", now=0.0))
        assert not client.server.reading_suspended

    def test_an_empty_frame_does_not_say_who_it_is(self) -> None:
        client = OldClient(b"")  # type: ignore[arg-type]
        client.send('{"language":"de"}')
        assert isinstance(client.events[0], Started)

    def test_end_of_stream_ends_the_input_and_repeating_it_changes_nothing(self) -> None:
        client = OldClient()
        client.accept()
        client.send(bytes(200))
        for _ in range(3):
            client.send('{"type":"end_of_stream"}')
        client.send(bytes(200))
        assert client.server.state is State.DRAINING
        assert client.server.snapshot.late == 0, "audio after it is dropped silently"
        assert len(client.said) == 1

    def test_a_final_has_exactly_the_old_keys_and_an_empty_one_is_not_said(self) -> None:
        client = OldClient()
        client.accept()
        client.send(bytes(2_000))
        client.final("hello", 500)
        client.final("  ", 1_000)
        assert client.said[1:] == [{"type": "final", "text": "hello", "start": 0.25, "end": 0.5, "confidence": 0.75}]

    def test_nothing_else_is_said_and_the_close_follows_the_last_final(self) -> None:
        client = OldClient()
        client.accept()
        client.send(bytes(2_000))
        client.send('{"type":"end_of_stream"}')
        client.take(client.server.progress(1_000, now=0.0))
        client.take(client.server.speech_start(0, now=0.0))
        client.take(client.server.partial("hel", start_s=0.0, end_s=0.1, now=0.0))
        client.take(client.server.handle_timeout(now=6.0))
        client.final("hello", 1_000)
        client.take(client.server.finish(now=6.0))
        assert [message["type"] for message in client.said] == ["ready", "final"]
        assert client.close == CloseTransport(code=1000, reason="completed")

    def test_a_fatal_error_is_said_in_one_sentence_and_closes(self) -> None:
        client = OldClient()
        client.take(client.server.fail("engine_unavailable", "there is no model", now=0.0))
        assert client.said == [{"type": "error", "message": "engine_unavailable: there is no model"}]
        assert client.close is not None
        assert client.close.code == 4503

    def test_an_error_that_is_not_fatal_is_not_said(self) -> None:
        client = OldClient()
        client.accept()
        client.send(bytes(2_000))
        client.take(client.server.segment_failed(500, "the engine failed", now=0.0))
        assert len(client.said) == 1

    @pytest.mark.parametrize("frame", ['{"type":"mood"}', "{}", "{this is not JSON", "[]", b""])
    def test_what_is_not_known_is_ignored(self, frame: str | bytes) -> None:
        client = OldClient()
        client.accept()
        client.send(frame)
        assert len(client.said) == 1
        assert client.server.closed is None

    def test_it_may_be_idle_for_five_minutes(self) -> None:
        client = OldClient()
        client.accept()
        limits = Limits()
        client.take(client.server.handle_timeout(now=limits.legacy_idle_timeout_s - 1))
        assert client.server.closed is None
        client.take(client.server.handle_timeout(now=limits.legacy_idle_timeout_s))
        assert only_ending(client.events).error == "idle"

    @pytest.mark.parametrize("first", ["[]", "nonsense", b"\0\0"])
    def test_a_first_message_that_is_neither(self, first: Any) -> None:
        client = OldClient(first)
        assert only_ending(client.events).error == "config_required"

    def test_a_type_in_the_first_message_means_the_new_protocol(self) -> None:
        client = OldClient('{"type":"start"}')
        client.accept()
        assert client.said[0]["protocol"] == "auricle.v1"


class OldServer:
    """A legacy server, frame by frame, against our client."""

    def __init__(self, config: Start | None = None, *, allow: bool = True) -> None:
        self.client = ClientSession(config or Start(language="en"), now=0.0, allow_legacy=allow)
        self.heard: list[Any] = []
        self.events: list[Any] = []
        self.client.connect(now=0.0)
        self.take(self.client.transport_opened(None, now=0.0))

    def say(self, **message: Any) -> None:
        self.take(self.client.receive(json.dumps(message), now=0.0))

    def take(self, outputs: Outputs) -> None:
        for output in outputs:
            match output:
                case Transmit(frame=frame):
                    self.heard.append(frame if isinstance(frame, bytes) else json.loads(frame))
                case Emit(event=event):
                    self.events.append(event)
                case _:
                    pass

    def ready(self) -> None:
        self.say(type="ready", message="Ready to receive audio")

    def end(self) -> None:
        self.take(self.client.end_input(now=0.0))

    def close(self, how: Any = "eof", code: int = 1000) -> SessionClosed:
        self.take(self.client.transport_lost(how, code, now=0.0))
        return only_ending(self.events)


class TestOurClientAndAnOldServer:
    def test_it_gets_its_configuration(self) -> None:
        assert OldServer().heard == [{"language": "en", "sample_rate": 16_000, "task": "transcribe"}]

    def test_it_gets_audio_and_the_end(self) -> None:
        server = OldServer()
        server.ready()
        server.take(server.client.send_audio(bytes(100_000), now=0.0))
        server.take(server.client.flush("f1", now=0.0))
        server.end()
        server.end()
        assert server.heard[1:] == [bytes(100_000), {"type": "end_of_stream"}]

    def test_its_finals_are_finals(self) -> None:
        server = OldServer()
        server.ready()
        server.say(type="final", text="one", start=0.0, end=0.5, confidence=0.9)
        server.say(type="final", text="two", start=0.5, end=1.0, confidence=0.8)
        server.say(type="mood", text="good")
        finals = [event for event in server.events if isinstance(event, Final)]
        assert [(final.segment, final.text, final.start, final.end) for final in finals] == [
            (0, "one", 0.0, 0.5),
            (1, "two", 0.5, 1.0),
        ]
        assert isinstance(server.events[0], Ready)

    def test_its_normal_close_after_the_end_is_completion_unverified(self) -> None:
        server = OldServer()
        server.ready()
        server.end()
        closed = server.close()
        assert (closed.reason, closed.complete) == ("completed", None)
        assert "no accounting" in closed.message
        assert closed.raise_if_incomplete() is closed

    @pytest.mark.parametrize(
        ("ended", "how", "code"), [(False, "eof", 1000), (True, "eof", 1011), (True, "reset", 1006)]
    )
    def test_any_other_close_is_a_loss(self, ended: bool, how: str, code: int) -> None:
        server = OldServer()
        server.ready()
        if ended:
            server.end()
        closed = server.close(how, code)
        assert (closed.reason, closed.complete) == ("lost", False)

    def test_it_knows_no_cancel_so_cancelling_is_leaving(self) -> None:
        server = OldServer()
        server.ready()
        server.take(server.client.send_audio(bytes(100), now=0.0))
        server.take(server.client.cancel(now=0.0))
        closed = only_ending(server.events)
        assert (closed.reason, closed.complete) == ("aborted", False), "its close would pass for completion"
        server.take(server.client.transport_lost("eof", 1000, now=0.0))
        assert server.client.finished

    def test_its_error_is_an_error(self) -> None:
        server = OldServer()
        server.say(type="error", message="Model not loaded")
        closed = server.close()
        assert [event.message for event in server.events if isinstance(event, ErrorMessage)] == ["Model not loaded"]
        assert (closed.reason, closed.error) == ("lost", "internal")
        assert "Model not loaded" in closed.message

    def test_it_is_refused_unless_allowed(self) -> None:
        closed = only_ending(OldServer(allow=False).events)
        assert (closed.reason, closed.complete) == ("violation", False)
        assert "auricle.v1" in closed.message

    def test_it_knows_only_mono_sixteen_bit(self) -> None:
        closed = only_ending(OldServer(Start(audio=AudioFormat(encoding="pcm_f32le"))).events)
        assert "mono pcm_s16le" in closed.message

    @pytest.mark.parametrize(
        "frame",
        [
            "[]",
            "nonsense",
            '{"type":"final","text":"x","start":"soon"}',
            '{"type":"final","text":"x","end":1' + "0" * 400 + "}",
        ],
    )
    def test_its_rubbish_is_a_violation(self, frame: str) -> None:
        server = OldServer()
        server.ready()
        server.take(server.client.receive(frame, now=0.0))
        assert only_ending(server.events).reason == "violation"

    def test_it_may_take_a_while_to_be_ready_and_says_nothing_meanwhile(self) -> None:
        server = OldServer()
        server.take(server.client.handle_timeout(now=Limits().ready_timeout_s))
        assert server.client.closed is None
        server.take(server.client.handle_timeout(now=Limits().legacy_drain_silence_s))
        assert only_ending(server.events).error == "ready_timeout"

    def test_it_may_be_silent_for_as_long_as_it_listens(self) -> None:
        server = OldServer()
        server.ready()
        server.take(server.client.handle_timeout(now=3_600.0))
        assert server.client.closed is None

    def test_it_may_be_silent_for_a_while_at_the_end(self) -> None:
        server = OldServer()
        server.ready()
        server.end()
        server.take(server.client.handle_timeout(now=Limits().legacy_drain_silence_s - 1))
        assert server.client.closed is None
        server.take(server.client.handle_timeout(now=Limits().legacy_drain_silence_s))
        assert only_ending(server.events).error == "drain_timeout"

    def test_audio_after_the_end_is_refused(self) -> None:
        server = OldServer()
        server.ready()
        server.end()
        with pytest.raises(LocalProtocolError):
            server.client.send_audio(bytes(2), now=0.0)


def test_a_log_probability_becomes_a_probability() -> None:
    server = OldServer()
    server.ready()
    server.say(type="final", text="one", start=0.0, end=0.5, confidence=-0.25)
    final = next(event for event in server.events if isinstance(event, Final))
    assert final.confidence == pytest.approx(0.7788, abs=1e-4)


def test_our_two_ends_speak_it_with_each_other() -> None:
    link = Link(subprotocol=None, allow_legacy=True)
    link.settle()
    for _ in range(5):
        link.send(700)
        link.settle()
    link.end()
    link.run_out()
    assert [event.text for event in link.of(Final)] == [
        f"words from {begin} to {min(begin + 1_000, 3_500)}" for begin in range(0, 3_500, 1_000)
    ]
    assert (link.closed.reason, link.closed.complete) == ("completed", None)
    assert only_ending(link.server_events).complete is True, "the server knows"


def test_an_old_client_survives_being_answered_in_the_new_protocol() -> None:
    """``ready.message`` and the five keys of ``final`` stand in v1 as they were."""
    link = Link()
    link.send(1_000)
    link.to_client.clear()
    while link.deliver("server"):
        pass
    while link.engine.work():
        pass
    said = [json.loads(str(frame)) for frame in link.to_client if isinstance(frame, str)]
    ready = next(message for message in said if message["type"] == "ready")
    final = next(message for message in said if message["type"] == "final")
    assert isinstance(ready["message"], str)
    assert {"type", "text", "start", "end", "confidence"} <= set(final)
