"""Silero VAD as a streaming voice detector, with the model file from the faster-whisper wheel.

faster-whisper's own wrapper keeps no state between two calls. Here each session keeps the LSTM state and the last
samples, and all sessions of a process share one onnxruntime session, which is thread-safe. Source:
notes/streaming-whisper.md §1.5.
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
"""Samples before a block that the model takes as context."""
STATE: Final = (1, 1, 128)
"""Shape of each of the two LSTM states."""


def find_model() -> Path:
    """Return the path of the ONNX file. Raises `EngineUnavailable` where it is missing."""
    path = find_file("assets", MODEL_FILE)
    if path is None:
        raise EngineUnavailable(f"Voice detection needs {MODEL_FILE}, which faster-whisper 1.2 brings: install it.")
    return path


class SileroModel:
    """The neural network, loaded once and shared. Raises `EngineUnavailable` where the model file is missing."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        # One block takes a tenth of a millisecond: more threads would only add overhead.
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            str(find_model()), providers=["CPUExecutionProvider"], sess_options=options
        )

    def detector(self) -> "SileroDetector":
        """Return a voice detector for one session."""
        return SileroDetector(self._session)


_loading = threading.Lock()


@cache
def _shared_model() -> SileroModel:
    return SileroModel()


def silero_detector(config: StreamConfig) -> VoiceDetector:
    """Return a voice detector for one session. The first call in a process loads the network; all share it.

    Raises `EngineUnavailable` where the model file is missing.
    """
    with _loading:
        model = _shared_model()
    return model.detector()


class SileroDetector:
    """The voice detector of one session."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._h = np.zeros(STATE, dtype=np.float32)
        self._c = np.zeros(STATE, dtype=np.float32)
        self._context = np.zeros(CONTEXT, dtype=np.float32)
        """The last `CONTEXT` samples of the blocks before."""

    def __call__(self, blocks: Samples) -> list[float]:
        """Return the probability in [0, 1] that each of the blocks, shape ``(any, 512)``, holds speech."""
        samples = np.concatenate((self._context, blocks.reshape(-1)))
        self._context = samples[-CONTEXT:]
        inputs = {"input": sliding_window_view(samples, CONTEXT + BLOCK)[::BLOCK], "h": self._h, "c": self._c}
        output, self._h, self._c = self._session.run(None, inputs)
        probabilities: list[float] = output.reshape(-1).tolist()
        return probabilities
