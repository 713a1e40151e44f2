"""CAM++ of 3D-Speaker as a voice embedder: an open network of 28 MB, for English and Chinese, Apache-2.0."""

import zipfile
from typing import Final

from auricle.engines.protocol import EngineError, EngineUnavailable, LoadProgress, Samples
from auricle.engines.speakers.campplus_network import CamPlusPlus
from auricle.engines.speakers.campplus_weights import INSTALL, find_weights, read_weights
from auricle.engines.speakers.filter_bank import filter_bank
from auricle.engines.speakers.protocol import Embedding, VoiceEmbedder

THRESHOLD: Final = 0.5
"""`docs/speakers.md` has what it does to the errors."""


class CamPlusPlusEmbedder:
    """The network on the processor: a second of speech takes some 30 ms."""

    name = "campplus"
    threshold = THRESHOLD

    def __init__(self) -> None:
        self._network: CamPlusPlus | None = None

    def load(self, progress: LoadProgress) -> None:
        """Check the weights and read them. Raises `EngineUnavailable`."""
        progress("Loading CAM++, which tells speakers apart", None)
        path = find_weights()
        try:
            self._network = CamPlusPlus(read_weights(path))
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise EngineUnavailable(f"The file {path} of CAM++ cannot be read ({error}): {INSTALL}") from error

    def embed(self, audio: Samples) -> Embedding:
        """Return the voice of ``audio``. Raises `EngineError`."""
        if self._network is None:
            raise EngineError("CAM++ has not been loaded.")
        return self._network(filter_bank(audio))


def create_embedder() -> VoiceEmbedder:
    """Return the embedder, not loaded. The entry point ``campplus``."""
    return CamPlusPlusEmbedder()
