"""LiveKit's test is run as it is, and what it says is read: here with a small test of the same shape."""

from pathlib import Path

import numpy as np
import pytest
from clips import Clip
from words.samples import Sample

pytest.importorskip("livekit.agents", reason="the plugin is not tested: pip install -e plugin")

from cross_provider.their_test import run

THEIRS = """
import pytest
from livekit.plugins import assemblyai, openai
from .utils import TRANSCRIPT

pytestmark = pytest.mark.stt
STTS = [pytest.param(lambda plugin=plugin: plugin.STT(), id=plugin.__name__) for plugin in (openai, assemblyai)]


@pytest.mark.usefixtures("job_process")
@pytest.mark.parametrize("make", STTS)
async def test_recognize(make, request):
    try:
        stt = make()
    except ValueError as why:
        pytest.skip(str(why))
    print(f"WER: 0.125 for {stt.label} {TRANSCRIPT}")
    assert stt.provider == "Auricle"


@pytest.mark.usefixtures("job_process")
@pytest.mark.parametrize("make", STTS)
async def test_stream(make, request):
    print("WER: 0.75 for streamed")
    assert TRANSCRIPT == "something else"
"""
UTILS = """
import pathlib
TRANSCRIPT = (pathlib.Path(__file__).parent.parent / "long_transcript.txt").read_text()
"""


def test_one_passes_and_one_fails(tmp_path: Path) -> None:
    (tmp_path / "utils").mkdir()
    (tmp_path / "utils" / "__init__.py").write_text(UTILS)
    (tmp_path / "test_stt.py").write_text(THEIRS)
    clip = Clip(name="one", samples=np.zeros(1_600, np.float32), text="what is said", words=())
    sample = Sample(clip=clip, kind="utterance", language="en", has_reference=True)
    recognize, stream = run(tmp_path, sample, "ws://127.0.0.1:9")
    assert (recognize.test, recognize.passed, recognize.wer) == ("test_recognize", True, 0.125), recognize.output
    assert (stream.test, stream.passed, stream.wer) == ("test_stream", False, 0.75)
    assert "what is said" in recognize.output
