"""Smart Turn: its weights are checked and their package never imported, and its input is what it was trained on."""

import importlib
import sys
from hashlib import sha256

import numpy as np
import pytest

from auricle.engines.protocol import EngineError, EngineUnavailable
from auricle.engines.turns import smart_turn_weights
from auricle.engines.turns.smart_turn import FRAMES, MELS, WINDOW, SmartTurn, network_input
from auricle.engines.whisper.models.pinned import PinnedFile
from engines.session_harness import clip_pcm


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A distribution of that name, with other bytes; the real one, where it is installed, is not seen."""
    (part,) = smart_turn_weights.WEIGHTS.parts
    path = tmp_path / part.path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a network")
    for folder in ("pipecat", "pipecat/audio", "pipecat/audio/turn", "pipecat/audio/turn/smart_turn"):
        (tmp_path / folder / "__init__.py").write_text("raise AssertionError('imported')")
    info = tmp_path / "pipecat_ai-1.14.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pipecat-ai\nVersion: 1.14.0\n")
    for name in [name for name in sys.modules if name.partition(".")[0] == "pipecat"]:
        monkeypatch.delitem(sys.modules, name)  # another test has used it, where it is installed
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    importlib.invalidate_caches()
    return tmp_path


def pin(monkeypatch, path):
    """Take the file for the right one."""
    content = path.read_bytes()
    right = PinnedFile(
        name=path.name, size=len(content), sha256=sha256(content).hexdigest(), parts=smart_turn_weights.WEIGHTS.parts
    )
    monkeypatch.setattr(smart_turn_weights, "WEIGHTS", right)


def test_other_bytes_are_refused(package):
    with pytest.raises(
        EngineUnavailable, match=r"its size or SHA-256 is another\..*install the extra turns of Auricle"
    ):
        smart_turn_weights.find_weights()
    assert "pipecat" not in sys.modules


def test_the_right_bytes_are_found_without_an_import(package, monkeypatch):
    path = package / smart_turn_weights.WEIGHTS.parts[0].path
    pin(monkeypatch, path)
    assert smart_turn_weights.find_weights() == path
    assert "pipecat" not in sys.modules


def test_another_version_is_refused(package):
    (package / "pipecat_ai-1.14.0.dist-info" / "METADATA").write_text("Name: pipecat-ai\nVersion: 1.15.0\n")
    with pytest.raises(EngineUnavailable, match=r"in pipecat-ai 1\.14\.0, and 1\.15\.0 is installed"):
        smart_turn_weights.find_weights()


def test_a_file_that_is_gone_is_told(package):
    (package / smart_turn_weights.WEIGHTS.parts[0].path).unlink()
    with pytest.raises(EngineUnavailable, match="cannot be read"):
        smart_turn_weights.find_weights()


def test_without_the_package_the_extra_is_named(package):
    for path in (package / "pipecat_ai-1.14.0.dist-info").iterdir():
        path.unlink()
    (package / "pipecat_ai-1.14.0.dist-info").rmdir()
    with pytest.raises(EngineUnavailable, match="are not installed: install the extra turns of Auricle"):
        SmartTurn().load(lambda stage, fraction: None)


def test_it_hears_the_end_of_what_is_long_and_silence_before_what_is_short():
    noise = np.random.default_rng(1).standard_normal(2 * WINDOW).astype(np.float32)
    whole, end = network_input(noise), network_input(noise[-WINDOW:])
    assert whole.shape == (MELS, FRAMES)
    assert whole.dtype == np.float32
    assert np.array_equal(whole, end)
    short = network_input(noise[: WINDOW // 4])
    assert short[:, : FRAMES // 2].max() < short[:, -FRAMES // 8 :].mean()
    quiet = network_input(noise * np.float32(1e-3))
    assert np.abs(quiet - whole).max() < 0.2, "loudness is normalised"
    assert np.isfinite(network_input(np.zeros(1600, dtype=np.float32))).all()


def test_a_network_that_fails_is_an_engine_error():
    class Broken:
        def run(self, outputs, inputs):
            raise RuntimeError("no memory")

    detector = SmartTurn()
    detector._session = Broken()
    with pytest.raises(EngineError, match="failed: RuntimeError"):
        detector.probability(np.ones(1600, dtype=np.float32))
    assert detector.probability(np.empty(0, dtype=np.float32)) is None


@pytest.fixture(scope="module")
def detector():
    smart_turn = SmartTurn()
    try:
        smart_turn.load(lambda stage, fraction: None)
    except EngineUnavailable as error:
        pytest.skip(str(error))
    return smart_turn


@pytest.mark.parametrize("clip", ["LJ001-0002", "austen-0890"])
def test_it_tells_the_end_of_a_sentence_from_its_middle(detector, clip):
    audio = np.frombuffer(clip_pcm(clip), dtype="<i2").astype(np.float32) / 32768
    assert detector.probability(audio) > 0.5
    assert detector.probability(audio[: len(audio) // 2]) < 0.5
