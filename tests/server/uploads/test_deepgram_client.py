"""The official Deepgram SDK against `POST /v1/listen`: nothing changed but its environment."""

import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import pytest
from deepgram import DeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.environment import DeepgramClientEnvironment

from server.uploads.upload_server import FAR_S, TEN_NUMBERS, UploadServer, recording, upload_server

WAV = recording()


def media_of(server: UploadServer) -> Any:
    environment = DeepgramClientEnvironment(
        base=server.url, production=server.url, agent=server.url, agent_rest=server.url
    )
    return DeepgramClient(api_key="any", environment=environment, timeout=FAR_S).listen.v1.media


def refused(server: UploadServer, request: bytes = WAV, **query: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        media_of(server).transcribe_file(request=request, request_options={"max_retries": 0}, **query)
    body = caught.value.body
    assert {"err_code", "err_msg", "request_id"} == set(body if isinstance(body, dict) else json.loads(str(body)))
    return caught.value


def test_a_recording(server: UploadServer) -> None:
    heard = media_of(server).transcribe_file(request=WAV, model="nova-3", smart_format=True)
    (channel,) = heard.results.channels
    (best,) = channel.alternatives
    assert best.transcript == TEN_NUMBERS
    assert [word.punctuated_word for word in best.words] == TEN_NUMBERS.split()
    assert (best.words[1].start, best.words[1].end, best.words[1].confidence) == (0.4, 0.8, 0.9)
    assert 0 < best.confidence <= 1
    assert (heard.metadata.duration, heard.metadata.channels) == (6.0, 1)
    assert heard.metadata.sha256 == sha256(WAV).hexdigest()
    assert heard.metadata.model_info[heard.metadata.models[0]]["name"] == "counting"


def test_utterances_and_warnings(server: UploadServer) -> None:
    heard = media_of(server).transcribe_file(
        request=WAV, utterances=True, diarize=True, punctuate=True, numerals=False, detect_language=True,
        keyterm=["Auricle", "pebble"],
    )  # fmt: skip
    assert " ".join(utterance.transcript for utterance in heard.results.utterances) == TEN_NUMBERS
    assert heard.results.channels[0].detected_language == "en"
    assert [row["parameter"] for row in heard.metadata.warnings] == ["diarize"]


@pytest.mark.parametrize(("encoding", "width"), [("linear16", 2), ("mulaw", 1), ("alaw", 1)])
def test_audio_without_a_container(server: UploadServer, encoding: str, width: int) -> None:
    silence = {"linear16": b"\0", "mulaw": b"\xff", "alaw": b"\xd5"}[encoding]
    options = {"additional_query_parameters": {"sample_rate": "8000"}}
    heard = media_of(server).transcribe_file(
        request=silence * (6 * 8_000 * width), encoding=encoding, request_options=options
    )
    assert heard.results.channels[0].alternatives[0].transcript == TEN_NUMBERS
    assert heard.metadata.duration == 6.0


def test_what_cannot_be_done_is_an_error_of_theirs(server: UploadServer) -> None:
    assert refused(server, request=b"").status_code == 400
    assert "it is not audio" in str(refused(server, request=b"not a recording").body)
    assert "callback" in str(refused(server, callback="https://elsewhere.example").body)
    assert "one channel" in str(refused(server, multichannel=True).body)
    assert "is not understood here" in str(refused(server, encoding="speex").body)
    with pytest.raises(ApiError, match="Nothing is fetched from the network"):
        media_of(server).transcribe_url(url="https://elsewhere.example/talk.mp3")


def test_a_recording_that_is_cut_gives_what_it_has_and_says_so(server: UploadServer) -> None:
    heard = media_of(server).transcribe_file(request=WAV[:96_044])
    assert heard.results.channels[0].alternatives[0].transcript == "one two three four five"
    (warning,) = heard.metadata.warnings
    assert "it is cut short" in warning["message"]


def test_a_recording_of_any_size_is_taken(server: UploadServer) -> None:
    """It is heard while it comes, and never stored: the limit of forms is not for it."""
    options = {"additional_query_parameters": {"sample_rate": "8000"}}
    whole = bytes(2 * 2**20)
    heard = media_of(server).transcribe_file(request=whole, encoding="linear16", request_options=options)
    assert heard.metadata.duration == len(whole) / 16_000
    assert heard.metadata.sha256 == sha256(whole).hexdigest()


def test_a_full_server_says_so() -> None:
    with upload_server(max_sessions=0) as server:
        error = refused(server)
        assert (error.status_code, error.headers is not None) == (503, True)


def test_ten_at_once(server: UploadServer) -> None:
    media = media_of(server)
    with ThreadPoolExecutor(10) as pool:
        heard = pool.map(lambda _: media.transcribe_file(request=WAV), range(10))
        assert [each.results.channels[0].alternatives[0].transcript for each in heard] == [TEN_NUMBERS] * 10
