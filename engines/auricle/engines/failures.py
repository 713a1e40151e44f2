"""What is said of an engine that has failed, in one sentence: its own, or one about the bug that it has."""

from typing import Final

from auricle.engines.protocol import EngineError

STOPPED: Final = "The engine has been stopped."


def load_failure(error: Exception) -> str:
    """Return why an engine could not be loaded."""
    if isinstance(error, EngineError):
        return str(error)
    return f"The engine could not be loaded ({type(error).__name__}: {error})."


def call_failure(error: Exception) -> str:
    """Return why a call of an engine failed. Of a bug clients are told the type alone: the log has the rest."""
    return str(error) if isinstance(error, EngineError) else f"The engine failed: {type(error).__name__}."


def call_failure_elsewhere(error: Exception) -> str:
    """Return the same for a call in another process than the log's: all that is known of it."""
    return str(error) if isinstance(error, EngineError) else f"The engine failed: {type(error).__name__}: {error}."
