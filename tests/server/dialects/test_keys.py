"""Where each dialect's clients put their key, and that whatever they send is a key or none."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.server.dialects.keys import KeyPlaces, key_of, twilio_call_key

SECRET = "s3-cret/key"
AURICLE = "auricle.auth." + base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("=")
BEARER = {"authorization": f"Bearer {SECRET}"}
QUERY = {"query": "model=x&key=s3-cret%2Fkey"}


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("/ws/transcribe", BEARER),
        ("/ws/transcribe", {"subprotocols": ("auricle.v1", AURICLE)}),
        ("/ws/transcribe", QUERY),
        ("/v1/transcribe/talk.m4a", {"authorization": f"bearer   {SECRET} "}),
        ("/v1/listen", BEARER),
        ("/v1/listen", {"authorization": f"Token {SECRET}"}),
        ("/v1/listen", {"subprotocols": ("token", SECRET)}),
        ("/v1/listen", {"subprotocols": ("bearer", SECRET)}),
        ("/v1/listen", QUERY),
        ("/v1/realtime", BEARER),
        ("/v1/realtime", {"subprotocols": ("realtime", f"openai-insecure-api-key.{SECRET}")}),
        ("/v1/audio/transcriptions", BEARER),
        ("/v1/models/whisper-1", BEARER),
        ("/v1/twilio/transcripts", QUERY),
        ("/v1/twilio", BEARER),
    ],
)
def test_the_key_is_found_where_clients_put_it(path: str, places: dict[str, object]) -> None:
    presented = KeyPlaces(**places)  # type: ignore[arg-type]
    assert key_of(path, presented) == SECRET
    assert SECRET not in repr(presented)


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("/v1/listen", {}),
        ("/v1/listen", {"authorization": "Basic dTpw"}),
        ("/v1/listen", {"authorization": "Token"}),
        ("/v1/listen", {"subprotocols": ("token",)}),
        ("/v1/listen", {"query": "key="}),
        ("/v1/realtime", {"authorization": f"Token {SECRET}"}),
        ("/v1/realtime", {"subprotocols": ("token", SECRET)}),
        ("/v1/realtime", {"subprotocols": ("openai-insecure-api-key.",)}),
        ("/ws/transcribe", {"subprotocols": ("auricle.auth.%%",)}),
        ("/ws/transcribe", {"subprotocols": ("auricle.auth._w",)}),
        ("/v1/listening", {"subprotocols": ("token", SECRET)}),
    ],
)
def test_elsewhere_is_none(path: str, places: dict[str, object]) -> None:
    assert key_of(path, KeyPlaces(**places)) is None  # type: ignore[arg-type]


@given(
    st.sampled_from(["/v1/listen", "/v1/realtime", "/ws/transcribe", "/v1/twilio"]),
    st.text(max_size=30),
    st.lists(
        st.text(max_size=12) | st.sampled_from(["token", "auricle.auth.", "auricle.auth.AA", "bearer"]), max_size=3
    ),
    st.text(max_size=30),
)
def test_whatever_is_sent_is_a_key_or_none(path: str, authorization: str, offered: list[str], query: str) -> None:
    found = key_of(path, KeyPlaces(authorization=authorization, subprotocols=tuple(offered), query=query))
    assert found is None or found


@pytest.mark.parametrize(
    ("frame", "key"),
    [
        (
            json.dumps({"event": "start", "start": {"customParameters": {"key": f" {SECRET}", "language": "en"}}}),
            SECRET,
        ),
        (json.dumps({"event": "start", "start": {"customParameters": {"key": 7}}}), None),
        (json.dumps({"event": "media", "start": {"customParameters": {"key": SECRET}}}), None),
        ('{"event":"start","start":[]}', None),
        ("no json", None),
        (b"start", None),
    ],
)
def test_a_call_has_its_key_in_its_start(frame: str | bytes, key: str | None) -> None:
    assert twilio_call_key(frame) == key
