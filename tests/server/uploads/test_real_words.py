"""Real words of real weights, through the official client: the sentence that somebody says, at file quality."""

from pathlib import Path

import openai
import pytest

from auricle.engines.whisper.engine import WhisperEngine
from auricle.engines.whisper.models.packaged import installed_models
from server.uploads.upload_server import FAR_S, upload_server

MEETING = Path(__file__).parents[3] / "examples" / "audio" / "meeting.mp3"
SAID = "good morning everyone and welcome to the meeting let us begin with the report from last week"


def test_what_is_said_in_a_meeting() -> None:
    if "tiny.en" not in installed_models():
        pytest.skip("the extra tiny-en is not installed")
    with upload_server(engine=WhisperEngine("tiny.en", device="cpu")) as server:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", timeout=FAR_S)
        heard = client.audio.transcriptions.create(
            model="whisper-1", file=MEETING, response_format="verbose_json", timestamp_granularities=["word"]
        )
    assert "".join(each for each in heard.text.lower() if each.isalpha() or each == " ") == SAID
    assert heard.words is not None
    assert [word.start for word in heard.words] == sorted(word.start for word in heard.words)
    assert heard.words[-1].end < heard.duration
