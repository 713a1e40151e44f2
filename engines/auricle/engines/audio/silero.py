"""Silero VAD as a stream: the model that travels inside the faster-whisper wheel, with its state in our hands.

faster-whisper's own wrapper forgets everything between two calls. Here each session keeps the LSTM state and the last
samples, and all sessions share one onnxruntime session, which is thread-safe. (notes/streaming-whisper.md §1.5)
"""

import threading
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.lib.stride_tricks import sliding_window_view

from auricle.engines.audio.faster_whisper_files import find_file
from auricle.engines.protocol import BLOCK, EngineUnavailable, Samples, StreamConfig, VoiceDetector

MODEL_FILE: Final = "silero_vad_v6.onnx"
CONTEXT: Final = 64
"""Samples before a block that the model wants to hear again."""
STATE: Final = (1, 1, 128)
"""Shape of each of the two LSTM states."""


def find_model() -> Path:
    """Return the ONNX file. Raises `EngineUnavailable`."""
    path = find_file("assets", MODEL_FILE)
    if path is None:
        raise EngineUnavailable(f"Voice detection needs {MODEL_FILE}, which faster-whisper 1.2 brings: install it.")
    return path


class SileroModel:
    """The network, loaded once and shared."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        # One block is a tenth of a millisecond of work: threads would only cost.
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            str(find_model()), providers=["CPUExecutionProvider"], sess_options=options
        )

    def listen(self) -> "SileroDetector":
        """Return a voice detector for one session."""
        return SileroDetector(self._session)


_loading = threading.Lock()


@cache
def _process_model() -> SileroModel:
    return SileroModel()


def silero_detector(config: StreamConfig) -> VoiceDetector:
    """Return a voice detector for one session; all of a process share a network, loaded with the first of them."""
    with _loading:
        model = _process_model()
    return model.listen()


class SileroDetector:
    """The ear of one session."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._h = np.zeros(STATE, dtype=np.float32)
        self._c = np.zeros(STATE, dtype=np.float32)
        self._heard = np.zeros(CONTEXT, dtype=np.float32)
        """The last samples."""

    def __call__(self, blocks: Samples) -> list[float]:
        """Return the probability in [0, 1] that each of the blocks, shape ``(any, 512)``, holds speech."""
        heard = np.concatenate((self._heard, blocks.reshape(-1)))
        self._heard = heard[-CONTEXT:]
        inputs = {"input": sliding_window_view(heard, CONTEXT + BLOCK)[::BLOCK], "h": self._h, "c": self._c}
        output, self._h, self._c = self._session.run(None, inputs)
        probabilities: list[float] = output.reshape(-1).tolist()
        return probabilities
