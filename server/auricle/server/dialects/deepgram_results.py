"""Deepgram's shapes of what was heard: alternatives, words, the model and the metadata. For its WebSocket and its POST.

Source: Deepgram's API reference, and what its SDKs, LiveKit and pipecat read (notes/wire-protocols.md §4.1).
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal
from uuid import NAMESPACE_URL, uuid5

from auricle.core.parts import ServerInfo, Word

_EDGES: Final = "\"'“”‘’«»‹›().,;:!?…¡¿-–—[]{}*"


def bare(word: str) -> str:
    """Return a word in lower case, without the punctuation around it: Deepgram's ``word``."""
    return word.strip().strip(_EDGES).lower() or word.strip().lower()


def words_of(words: Sequence[Word], confidence: float) -> list[dict[str, Any]]:
    """Return words with their times; one without a probability of its own has ``confidence``, that of its segment."""
    return [
        {
            "word": bare(word.text),
            "start": word.start,
            "end": word.end,
            "confidence": confidence if word.confidence is None else word.confidence,
            "punctuated_word": word.text.strip(),
        }
        for word in words
    ]


def alternative(
    text: str, words: Sequence[Word], confidence: float, *, formatted: bool, language: str | None = None
) -> dict[str, Any]:
    """Return the one alternative. Not ``formatted``: its transcript is in lower case and has no punctuation."""
    plain = text.strip() if formatted else " ".join(filter(None, (bare(word) for word in text.split())))
    shaped: dict[str, Any] = {
        "transcript": plain,
        "confidence": confidence,
        "words": words_of(words, confidence),
    }
    return shaped if language is None else {**shaped, "languages": [language]}


@cache
def model_uuid(server: ServerInfo) -> str:
    """Return an id for the model that really answers: the same for the same engine, model and version."""
    return str(uuid5(NAMESPACE_URL, f"auricle:{server.name}/{server.model}/{server.version}"))


def model_info(server: ServerInfo) -> dict[str, str]:
    """Return the description of the model that really answers."""
    return {"name": server.model or server.name, "version": server.version or "", "arch": server.name}


Told = Literal["is_final", "speech_final", "from_finalize"]
"""What a ``Results`` says of itself."""


def results_message(
    shown: Mapping[str, Any], span_s: tuple[float, float], told: Collection[Told], request_id: str, server: ServerInfo
) -> dict[str, Any]:
    """Return the ``Results`` of one alternative, which covers the seconds ``span_s`` of the session."""
    begin_s, end_s = span_s
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "duration": round(end_s - begin_s, 3),
        "start": round(begin_s, 3),
        "is_final": "is_final" in told,
        "speech_final": "speech_final" in told,
        "from_finalize": "from_finalize" in told,
        "channel": {"alternatives": [shown]},
        "metadata": {
            "request_id": request_id,
            "model_info": model_info(server),
            "model_uuid": model_uuid(server),
        },
    }


def error_message(variant: str, why: str) -> dict[str, str]:
    """Return an ``Error``, whose text has been called ``description`` and ``message``."""
    return {"type": "Error", "variant": variant, "description": why, "message": why, "code": variant}


def transcript_metadata(
    *, request_id: str, sha256: str | None, created: str, duration_s: float, server: ServerInfo
) -> dict[str, Any]:
    """Return the ``metadata`` of a whole transcript. ``sha256`` None: of audio that was not kept as it came."""
    uuid = model_uuid(server)
    return {
        "transaction_key": "deprecated",
        "request_id": request_id,
        **({} if sha256 is None else {"sha256": sha256}),
        "created": created,
        "duration": round(duration_s, 6),
        "channels": 1,
        "models": [uuid],
        "model_info": {uuid: model_info(server)},
    }
