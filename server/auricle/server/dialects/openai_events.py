"""The events that a client of OpenAI's realtime transcription hears, without their ids.

Source: OpenAI's realtime API reference (GA), and the types of openai 3.57.
"""

from typing import Final

from auricle.server.dialects.openai_items import Items, logprobs
from auricle.server.dialects.openai_session import RealtimeSession

TRANSCRIPTION: Final = "conversation.item.input_audio_transcription"
Event = dict[str, object]


def created(session: RealtimeSession, session_id: str) -> Event:
    """Return the greeting."""
    return {"type": "session.created", "session": session.told(session_id)}


def session_updated(session: RealtimeSession, session_id: str) -> Event:
    """Return the answer to a change, with what is in effect."""
    return {"type": "session.updated", "session": session.told(session_id)}


def speech_started(item_id: str, at_s: float) -> Event:
    """Return the start of speech in an item, at ``at_s`` seconds of the session."""
    return {"type": "input_audio_buffer.speech_started", "item_id": item_id, "audio_start_ms": round(at_s * 1000)}


def speech_stopped(item_id: str, at_s: float) -> Event:
    """Return the end of speech in an item, at ``at_s`` seconds of the session."""
    return {"type": "input_audio_buffer.speech_stopped", "item_id": item_id, "audio_end_ms": round(at_s * 1000)}


def committed(item_id: str, previous: str | None) -> Event:
    """Return that an item is committed, behind the ``previous`` one."""
    return {"type": "input_audio_buffer.committed", "item_id": item_id, "previous_item_id": previous}


def cleared() -> Event:
    """Return that what was not committed is forgotten."""
    return {"type": "input_audio_buffer.cleared"}


def delta(item_id: str, text: str) -> Event:
    """Return a piece of an item's transcript."""
    return {"type": f"{TRANSCRIPTION}.delta", "item_id": item_id, "content_index": 0, "delta": text}


def completed(items: Items, audio_s: float, session: RealtimeSession) -> Event:
    """Return the transcript of the front item, which is of ``audio_s`` seconds."""
    event: Event = {"type": f"{TRANSCRIPTION}.completed", "item_id": items.front.item_id, "content_index": 0}
    event |= {"transcript": items.said.text, "usage": {"type": "duration", "seconds": round(audio_s, 3)}}
    if items.said.languages:
        event["languages"] = [{"code": code} for code in items.said.languages]
    if session.logprobs:
        event["logprobs"] = logprobs(items.said.words)
    return event


def failed(item_id: str, code: str, why: str) -> Event:
    """Return that an item has no transcript."""
    error = {"type": "server_error", "code": code, "message": why, "param": None}
    return {"type": f"{TRANSCRIPTION}.failed", "item_id": item_id, "content_index": 0, "error": error}


def error(kind: str, code: str, why: str, *, param: str | None = None, about: object = None) -> Event:
    """Return an error; ``about`` is the id of the client's event that it answers."""
    named = about if isinstance(about, str) else None
    told = {"type": kind, "code": code, "message": why, "param": param, "event_id": named}
    return {"type": "error", "error": told}
