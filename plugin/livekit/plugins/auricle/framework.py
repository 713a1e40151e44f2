"""What the installed release of the framework has: some fields are only in some releases, and are given where they are.

``STTCapabilities.manual_flush`` is in 1.8.9 and not in 2.0.0b1; ``SpeechEvent.speech_end_time`` is new in 1.8.0.
"""

from dataclasses import fields

from livekit.agents.stt import SpeechEvent, STTCapabilities


def capabilities(**wanted: object) -> STTCapabilities:
    """Return capabilities with those of the fields that this release has."""
    return STTCapabilities(**_known(STTCapabilities, wanted))  # type: ignore[arg-type]  # the names are checked, the values as wanted


def speech_event(**wanted: object) -> SpeechEvent:
    """Return an event with those of the fields that this release has."""
    return SpeechEvent(**_known(SpeechEvent, wanted))  # type: ignore[arg-type]  # the names are checked, the values as wanted


def _known(kind: type[STTCapabilities | SpeechEvent], wanted: dict[str, object]) -> dict[str, object]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in wanted.items() if name in names}
