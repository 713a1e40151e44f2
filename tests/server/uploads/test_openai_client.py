"""The official OpenAI client against our server: its own types and errors, and nothing changed but its base URL."""

import io
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
import soundfile

from server.uploads.upload_server import FAR_S, TEN_NUMBERS, UploadServer, recording, upload_server

EXAMPLES = Path(__file__).parents[3] / "examples" / "audio"
WAV = ("numbers.wav", recording())


def client_of(server: UploadServer, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", timeout=FAR_S, max_retries=0, **options)


@pytest.fixture
def client(server: UploadServer) -> openai.OpenAI:
    return client_of(server)


def refused(client: openai.OpenAI, **arguments: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        client.audio.transcriptions.create(**{"model": "whisper-1", "file": WAV, **arguments})
    assert isinstance(caught.value.body, dict)
    assert {"message", "type", "param", "code"} == set(caught.value.body)
    assert str(caught.value.body["message"]).endswith(".")
    return caught.value


def test_json_is_the_default(client: openai.OpenAI) -> None:
    heard = client.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=WAV)
    assert heard.text == TEN_NUMBERS
    assert heard.usage is not None
    assert (heard.usage.type, heard.usage.model_extra or heard.usage.to_dict()["seconds"]) == ("duration", 6)


def test_text_and_subtitles(client: openai.OpenAI) -> None:
    made: dict[str, str] = {
        kind: client.audio.transcriptions.create(model="whisper-1", file=WAV, response_format=kind)  # type: ignore[call-overload]
        for kind in ("text", "srt", "vtt")
    }
    assert made["text"].split() == TEN_NUMBERS.split()
    assert made["srt"].startswith("1\n00:00:00,000 --> 00:00:0")
    assert made["vtt"].startswith("WEBVTT\n\n00:00:00.000 --> 00:00:0")
    assert all(word in made["srt"] for word in TEN_NUMBERS.split())


def test_verbose_json_has_segments_and_words(client: openai.OpenAI) -> None:
    heard = client.audio.transcriptions.create(
        model="whisper-1", file=WAV, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert (heard.text, heard.language, heard.duration) == (TEN_NUMBERS, "english", 6.0)
    assert heard.words is not None
    assert [word.word for word in heard.words] == TEN_NUMBERS.split()
    assert (heard.words[1].start, heard.words[1].end) == (0.4, 0.8)
    assert heard.segments is not None
    assert " ".join(segment.text for segment in heard.segments) == TEN_NUMBERS
    assert all(isinstance(value, float) for segment in heard.segments for value in (
        segment.avg_logprob, segment.compression_ratio, segment.no_speech_prob, segment.temperature
    ))  # fmt: skip


def test_verbose_json_has_segments_alone_where_nothing_is_asked(client: openai.OpenAI) -> None:
    heard = client.audio.transcriptions.create(model="whisper-1", file=WAV, response_format="verbose_json")
    assert (heard.words, bool(heard.segments)) == (None, True)


def test_a_stream_has_deltas_that_make_the_text(client: openai.OpenAI) -> None:
    events = list(client.audio.transcriptions.create(model="gpt-transcribe", file=WAV, stream=True))
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    done = events[-1]
    assert done.type == "transcript.text.done"
    assert "".join(deltas) == done.text == TEN_NUMBERS


def test_every_parameter_that_there_is_may_be_given(client: openai.OpenAI) -> None:
    heard = client.audio.transcriptions.create(
        model="gpt-transcribe",
        file=WAV,
        language="en",
        prompt="Numbers.",
        temperature=0.2,
        keywords=["Auricle", "pebble"],
        languages=["en", "de"],
        chunking_strategy={"type": "server_vad", "silence_duration_ms": 300},
        include=["logprobs"],
        known_speaker_names=["Ada"],
        response_format="json",
    )
    assert heard.text == TEN_NUMBERS
    assert [each.split()[0] for each in heard.to_dict()["warnings"]] == ["include", "known_speaker_names"]  # type: ignore[attr-defined]


def test_what_a_prompt_and_keywords_are_for(server: UploadServer) -> None:
    """They reach the session: too long a one is refused by its own name."""
    client = client_of(server)
    assert refused(client, prompt="x" * 2_001).body["param"] == "prompt"  # type: ignore[index]
    assert refused(client, keywords=["x" * 201]).body["param"] == "keywords"  # type: ignore[index]
    assert refused(client, languages=["en"] * 33).body["param"] == "languages"  # type: ignore[index]


@pytest.mark.parametrize("language", ["English", "en_US", "EN", "auto", ""])
def test_a_language_may_be_called_what_people_call_it(client: openai.OpenAI, language: str) -> None:
    assert client.audio.transcriptions.create(model="whisper-1", file=WAV, language=language).text == TEN_NUMBERS


@pytest.mark.parametrize(
    ("arguments", "param"),
    [
        ({"response_format": "diarized_json"}, "response_format"),
        ({"temperature": 7}, "temperature"),
        ({"extra_body": {"temperature": "hot"}}, "temperature"),
        ({"timestamp_granularities": ["letter"]}, "timestamp_granularities"),
        ({"extra_body": {"stream": "perhaps"}}, "stream"),
        ({"file": ("empty.wav", b"")}, "file"),
        ({"file": ("header.wav", recording(0.0))}, "file"),
        ({"file": ("words.mp3", b"not a recording at all")}, "file"),
    ],
)
def test_what_cannot_be_used_is_an_error_of_theirs(
    client: openai.OpenAI, arguments: dict[str, Any], param: str
) -> None:
    error = refused(client, **arguments)
    assert isinstance(error, openai.BadRequestError)
    assert (error.body["type"], error.body["param"]) == ("invalid_request_error", param)  # type: ignore[index]


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
def test_what_the_engine_cannot_is_an_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="scripted counting cannot translate"):
        client.audio.translations.create(model="whisper-1", file=WAV)


def test_models_have_the_names_that_clients_know(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert {"counting", "whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-transcribe"} <= set(names)
    assert client.models.retrieve("whisper-1").id == "whisper-1"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("text-davinci-003")


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
def test_containers_and_rates(client: openai.OpenAI, container: str) -> None:
    file = (f"numbers.{container.lower()}", recording(rate=44_100, container=container))
    assert client.audio.transcriptions.create(model="whisper-1", file=file).text == TEN_NUMBERS


def test_a_recording_that_is_cut_gives_what_it_has_and_says_so(client: openai.OpenAI) -> None:
    whole = recording(6.0)
    answer = client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=("cut.wav", whole[:96_044]))
    heard = answer.parse()
    assert heard.text == "one two three four five"
    (warning,) = heard.to_dict()["warnings"]
    assert "it is cut short" in warning
    assert "cut%20short" not in answer.headers["Auricle-Warning"]
    assert "cut short" in answer.headers["Auricle-Warning"]


def test_too_large_is_said_before_it_is_read() -> None:
    with upload_server(max_upload_bytes=50_000) as server:
        error = refused(client_of(server))
        assert (error.status_code, error.body["param"]) == (413, "file")  # type: ignore[index]
        assert client_of(server).audio.transcriptions.create(model="whisper-1", file=("a.wav", recording(1.0))).text


def test_ten_at_once(server: UploadServer) -> None:
    with ThreadPoolExecutor(10) as pool:
        texts = list(
            pool.map(lambda _: client_of(server).audio.transcriptions.create(model="x", file=WAV).text, range(10))
        )
    assert texts == [TEN_NUMBERS] * 10


def test_a_full_server_says_when_to_try_again() -> None:
    with upload_server(max_sessions=0) as server:
        error = refused(client_of(server))
        assert (error.status_code, error.body["code"], error.body["type"]) == (503, "capacity", "server_error")  # type: ignore[index]
        assert int(error.response.headers["Retry-After"]) >= 1
        assert "this server has 0 sessions already" in error.body["message"]  # type: ignore[index]


@pytest.mark.parametrize("sent", [0.0, 0.5, 1.0])
def test_a_client_that_leaves_leaves_nothing_behind(server: UploadServer, sent: float) -> None:
    form = io.BytesIO()
    form.write(b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n')
    form.write(b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n')
    form.write(recording(60.0) + b"\r\n--x--\r\n")
    body = form.getvalue()
    kind = f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}"
    head = f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: a\r\n{kind}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + body[: round(len(body) * sent)])
    server.wait_until_idle()


def test_pages_from_elsewhere_are_refused(server: UploadServer) -> None:
    client = client_of(server, default_headers={"Origin": "https://elsewhere.example"})
    assert refused(client).status_code == 403


def test_pages_that_are_allowed_may_read_the_answer() -> None:
    with upload_server(allowed_origins=("https://app.example",)) as server:
        client = client_of(server, default_headers={"Origin": "https://app.example"})
        answer = client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=WAV)
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"


@pytest.mark.parametrize("name", ["hello.flac", "meeting.mp3"])
def test_recordings_of_speech_are_read_whole(client: openai.OpenAI, name: str) -> None:
    heard = client.audio.transcriptions.create(model="whisper-1", file=EXAMPLES / name, response_format="verbose_json")
    assert heard.duration == pytest.approx(soundfile.info(str(EXAMPLES / name)).duration, abs=0.05)
