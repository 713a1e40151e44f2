"""Messages of every dialect as its clients send them, almost as they do, and not at all: strategies for hypothesis."""

import base64
import json
from typing import Any

from hypothesis import strategies as st

from auricle.server.dialects.wyoming import END

ENDS = {
    "deepgram": '{"type":"CloseStream"}',
    "openai": '{"type":"input_audio_buffer.commit","final":true}',
    "twilio": '{"event":"stop"}',
    "wyoming": END,
    "legacy": '{"type":"end_of_stream"}',
}
BEGINNINGS = {
    "deepgram": [],
    "openai": [
        '{"type":"session.update","session":{"type":"transcription","audio":{"input":{"turn_detection":null}}}}'
    ],
    "twilio": ['{"event":"start","start":{"streamSid":"MZ","callSid":"CA"}}'],
    "wyoming": ['{"type":"audio-start","data":{"rate":16000,"width":2,"channels":1}}'],
    "legacy": ["{}"],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
AUDIO = st.integers(0, 4_000).map(lambda count: base64.b64encode(bytes(count)).decode()) | st.text(max_size=8)


def variants(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """Objects of a known kind, and with some of the other fields, whose values are as they should be or anything."""
    (kind, kinds), *others = fields.items()
    mixed = {name: values | JSON for name, values in others}
    return st.fixed_dictionaries({kind: kinds}, optional=mixed).map(json.dumps)


KINDS = st.sampled_from
MESSAGES = {
    "deepgram": variants(
        type=KINDS(["KeepAlive", "Finalize", "Finalize", "Configure", "CloseStream", "Dance"]),
        keyterms=st.lists(st.text(max_size=5), max_size=3),
        features=st.dictionaries(KINDS(["numerals", "punctuate"]), st.booleans(), max_size=2),
    ),
    "openai": variants(
        type=KINDS(
            [
                "session.update",
                *["input_audio_buffer.append"] * 3,
                *["input_audio_buffer.commit"] * 2,
                "input_audio_buffer.clear",
                "response.create",
            ]
        ),
        audio=AUDIO,
        final=st.booleans(),
        event_id=st.text(max_size=5),
        session=st.fixed_dictionaries(
            {},
            optional={
                "type": KINDS(["transcription", "realtime"]) | JSON,
                "include": KINDS([["item.input_audio_transcription.logprobs"], []]) | JSON,
                "audio": JSON
                | st.fixed_dictionaries(
                    {
                        "input": st.fixed_dictionaries(
                            {},
                            optional={
                                "format": JSON | KINDS([{"type": "audio/pcmu"}, {"type": "audio/pcm", "rate": 24000}]),
                                "turn_detection": JSON | KINDS([None, {"type": "server_vad"}]),
                                "transcription": JSON
                                | st.fixed_dictionaries(
                                    {},
                                    optional={
                                        "language": KINDS(["en", ""]) | JSON,
                                        "keywords": st.lists(st.text(max_size=4), max_size=3) | JSON,
                                        "delay": KINDS(["low", "xhigh"]) | JSON,
                                        "prompt": st.text(max_size=8) | JSON,
                                    },
                                ),
                            },
                        )
                    }
                ),
            },
        ),
    ),
    "twilio": variants(
        event=KINDS(["connected", "start", "media", "media", "media", "mark", "dtmf", "stop"]),
        media=st.fixed_dictionaries(
            {},
            optional={
                "payload": AUDIO | JSON,
                "track": KINDS(["inbound", "outbound"]) | JSON,
                "timestamp": st.integers(0, 10**7).map(str) | JSON,
            },
        ),
        start=st.fixed_dictionaries(
            {},
            optional={
                "callSid": st.text(max_size=5) | JSON,
                "tracks": st.lists(KINDS(["inbound", "outbound"]), max_size=2) | JSON,
                "customParameters": st.dictionaries(KINDS(["language", "terms", "prompt"]), JSON, max_size=3) | JSON,
                "mediaFormat": JSON,
            },
        ),
    ),
    "wyoming": variants(
        type=KINDS(["transcribe", "audio-start", "audio-chunk", "audio-stop", "audio-stop", "ping", "select-program"]),
        data=st.fixed_dictionaries(
            {},
            optional={
                "rate": KINDS([16_000, 8_000]) | JSON,
                "width": KINDS([2, 2, 4]) | JSON,
                "channels": KINDS([1, 1, 2]) | JSON,
                "language": KINDS(["en", "de"]) | JSON,
                "transcript_names": st.lists(st.text(max_size=4), max_size=3) | JSON,
                "context": JSON,
                "text": JSON,
            },
        ),
    ),
    "legacy": variants(
        type=KINDS(["end_of_stream", "dance"]),
        language=KINDS(["en", "auto", "", "en_US"]),
        sample_rate=KINDS([16_000, "16000", 16_000.0]),
    ),
}
NOISE = st.binary(max_size=3_000) | st.text(max_size=30) | JSON.map(json.dumps)

PARAMETERS = (
    "encoding", "sample_rate", "channels", "multichannel", "language", "language_hint", "detect_language",
    "endpointing", "utterance_end_ms", "keyterm", "keywords", "interim_results", "vad_events", "model", "callback",
    "diarize", "punctuate", "intent", "callSid", "streamSid", "key",
)  # fmt: skip
"""Parameters of the query, of all dialects."""
VALUES = st.one_of(
    st.sampled_from(["true", "false", "linear16", "mulaw", "opus", "", "1", "2", "16000", "1e9", "-3", "nan", "inf"]),
    st.text(max_size=10),
)
