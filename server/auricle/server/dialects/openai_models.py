"""OpenAI's ``/v1/models``: the model that this server runs, and the names that clients have for it."""

from typing import Any

from auricle.server.dialects.openai_transcriptions import ALIASES


def models_list(model: str | None) -> dict[str, Any]:
    """Return the list of models; ``model`` is what the engine runs, None while it is not known."""
    return {"object": "list", "data": [_model(name) for name in _names(model)]}


def model_object(name: str, model: str | None) -> dict[str, Any] | None:
    """Return one model of the list, None where it is not there."""
    return _model(name) if name in _names(model) else None


def _names(model: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*([model] if model else []), *ALIASES]))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "auricle"}
