"""What a key is good for."""

from enum import StrEnum


class Scope(StrEnum):
    """What a key is good for."""

    TRANSCRIBE = "transcribe"
    """Sessions, uploads and session tokens."""
    OPERATOR = "operator"
    """What the server tells of itself: ``/status``, ``/metrics``."""
