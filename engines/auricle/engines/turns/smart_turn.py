"""Smart Turn v3.2: is a turn over, from the last eight seconds of its sound? An open model of pipecat-ai (BSD-2).

It takes the features that Whisper takes, of audio whose loudness is normalised, at the end of a window of eight seconds
that begins with silence. Source: pipecat/audio/turn/smart_turn/local_smart_turn_v3.py of pipecat-ai 1.14.0.
"""

from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from auricle.engines.protocol import ENGINE_RATE, EngineError, LoadProgress, Samples
from auricle.engines.turn_taking.protocol import LONGEST_AUDIO_S, TurnDetector
from auricle.engines.turns.smart_turn_weights import find_weights
from auricle.engines.whisper.log_mel import encoder_input, window_features

WINDOW: Final = round(LONGEST_AUDIO_S * ENGINE_RATE)
"""Samples that it hears."""
MELS: Final = 80
FRAMES: Final = 800
QUIETEST: Final = 1e-7
"""Added to the variance, so that silence is not divided by nothing."""


class SmartTurn:
    """The network, on one thread: an answer takes some 70 ms of a CPU, and nobody's words should wait for it."""

    name = "smart-turn"

    def __init__(self) -> None:
        self._session: Any = None

    def load(self, progress: LoadProgress) -> None:
        """Check the weights and load them. Raises `EngineUnavailable`."""
        progress("Loading the turn detector Smart Turn", None)
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            str(find_weights()), providers=["CPUExecutionProvider"], sess_options=options
        )

    def probability(self, audio: Samples) -> float | None:
        """Return the probability that the turn is over; None for no audio at all. Raises `EngineError`."""
        if not len(audio):
            return None
        try:
            (answers,) = self._session.run(None, {"input_features": network_input(audio)[np.newaxis]})
        except Exception as error:
            raise EngineError(f"The turn detector failed: {type(error).__name__}.") from error
        return float(np.asarray(answers).reshape(-1)[0])


def network_input(audio: Samples) -> NDArray[np.float32]:
    """Return what the network takes, shape ``(80, 800)``: the last eight seconds, or all with silence before it."""
    window = np.zeros(WINDOW, dtype=np.float32)
    tail = audio[-WINDOW:]
    window[WINDOW - len(tail) :] = tail
    normal = ((window - window.mean()) / np.sqrt(window.var() + QUIETEST)).astype(np.float32)
    return encoder_input(window_features(normal, MELS)[:FRAMES], FRAMES)


def create_detector() -> TurnDetector:
    """Return the detector, not loaded. The entry point ``smart-turn``."""
    return SmartTurn()
