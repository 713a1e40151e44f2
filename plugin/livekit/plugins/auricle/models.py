"""Names of models a server may run. Any other string is sent as it is, for the server to judge."""

from typing import Literal

WhisperModels = Literal["tiny", "base", "small", "medium", "large-v3", "large-v3-turbo", "distil-large-v3"]
STTModels = WhisperModels | Literal["en-us"] | str
"""``en-us`` is the model of the ``sphinx`` engine."""
