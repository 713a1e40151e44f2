"""What a client asks for, as the engine is told it."""

import pytest

from auricle.core.messages import Start
from auricle.core.parts import Endpointing, Features
from auricle.engines.protocol import OFFLINE_SEGMENT_S, OFFLINE_SILENCE_S, EngineInfo, StreamConfig
from auricle.server.sessions.stream_config import SPEECH_DEFAULTS, SpeechDefaults, stream_config, unsupported


@pytest.mark.parametrize(
    ("endpointing", "silence_s", "max_segment_s"),
    [
        (Endpointing(), StreamConfig().silence_s, StreamConfig().max_segment_s),
        (Endpointing(silence_ms=200, max_segment_ms=9_000), 0.2, 9.0),
        (Endpointing(offline=True), OFFLINE_SILENCE_S, OFFLINE_SEGMENT_S),
        (Endpointing(offline=True, silence_ms=700), 0.7, OFFLINE_SEGMENT_S),
    ],
)
def test_whoever_waits_for_nothing_gets_longer_utterances(endpointing, silence_s, max_segment_s):
    config = stream_config(Start(endpointing=endpointing), SPEECH_DEFAULTS)
    assert (config.silence_s, config.max_segment_s) == (silence_s, max_segment_s)
    assert config.offline is bool(endpointing.offline)


def test_what_a_client_leaves_open_is_as_the_operator_says():
    given = SpeechDefaults(language="de", silence_s=0.8, max_segment_s=12.0)
    config = stream_config(Start(), given)
    assert (config.language, config.silence_s, config.max_segment_s) == ("de", 0.8, 12.0)
    asked = stream_config(Start(language="en", endpointing=Endpointing(silence_ms=300, max_segment_ms=9_000)), given)
    assert (asked.language, asked.silence_s, asked.max_segment_s) == ("en", 0.3, 9.0)
    recorded = stream_config(Start(endpointing=Endpointing(offline=True)), given)
    assert (recorded.silence_s, recorded.max_segment_s) == (OFFLINE_SILENCE_S, OFFLINE_SEGMENT_S)


def test_pauses_are_told_where_that_is_wanted():
    assert stream_config(Start(), SPEECH_DEFAULTS).pause_s is None
    assert stream_config(Start(endpointing=Endpointing(pause_ms=250)), SPEECH_DEFAULTS).pause_s == 0.25


def test_promises_are_made_where_they_are_wanted():
    assert stream_config(Start(), SpeechDefaults(language="en")).stable_prefix
    assert not stream_config(Start(features=Features(stable_prefix=False)), SpeechDefaults(language="en")).stable_prefix
    assert not stream_config(Start(), SpeechDefaults(language="en")).language_per_utterance
    assert stream_config(Start(features=Features(language_per_utterance=True)), SPEECH_DEFAULTS).language_per_utterance


def test_the_language_is_detected_among_those_that_are_allowed():
    assert stream_config(Start(languages=("de", "fr")), SpeechDefaults(language="en")).languages == ("de", "fr")
    assert stream_config(Start(languages=("de", "fr")), SpeechDefaults(language="en")).language is None, (
        "not the server's own"
    )
    info = EngineInfo(name="whisper", model="m", languages=("de", "en"))
    assert unsupported(Start(languages=("de", "en-GB")), info) is None
    assert unsupported(Start(languages=("de", "xx")), info) == (
        "unsupported_language",
        "whisper m understands de, en, not 'xx': a model of more languages is needed, such as Whisper's base",
        "/languages/1",
    )


def test_a_task_that_a_model_cannot_do_is_told_with_one_that_can():
    info = EngineInfo(name="whisper", model="tiny.en", languages=("en",), tasks=("transcribe",))
    assert unsupported(Start(task="translate"), info) == (
        "invalid_config",
        "whisper tiny.en cannot translate: a model of more languages is needed, such as Whisper's base",
        "/task",
    )
