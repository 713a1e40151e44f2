"""Thresholds of voice activity detection (VAD): when the probability of a block counts as speech.

Two thresholds give hysteresis: speech needs a higher probability to begin than to continue. Source:
notes/streaming-whisper.md §1.5.
"""

from typing import Final

SPEECH_THRESHOLD: Final = 0.5
"""Probability in [0, 1] at or above which a block may begin speech."""
SILENCE_THRESHOLD: Final = 0.35
"""Probability in [0, 1] below which a block counts as silence while speech is in progress."""
CONFIRMING_BLOCKS: Final = 2
"""Consecutive blocks that must reach `SPEECH_THRESHOLD` before speech begins: a click is one block long."""
