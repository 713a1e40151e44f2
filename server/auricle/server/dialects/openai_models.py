"""OpenAI's ``/v1/models``: the models that this server runs, and the names that clients have for the default one."""

from collections.abc import Iterable
from typing import Any

from auricle.server.dialects.openai_transcriptions import ALIASES


def models_list(models: Iterable[str]) -> dict[str, Any]:
    """Return the list of models; ``models`` are those that are loaded, the default one first."""
    return {"object": "list", "data": [_model(name) for name in _names(models)]}


def model_object(name: str, models: Iterable[str]) -> dict[str, Any] | None:
    """Return one model of the list, None where it is not there."""
    return _model(name) if name in _names(models) else None


def _names(models: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*models, *ALIASES]))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "auricle"}
