"""``Configure`` of Deepgram's live transcription: keyterms change in mid-stream, and what else it asks for is not done.

Source: Deepgram's API reference, and the types of deepgram-sdk 7.17.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from auricle.server.dialects.deepgram_options import MAX_TERMS, Warned, usable_terms

MOST_FEATURES: Final = 16
"""Features of one message that are told to be not done."""


class NotAChange(Exception):
    """The message has not the shape of a ``Configure``. The message is a clause."""


class ChangeRefused(Exception):
    """A change that cannot be made. ``code`` is Deepgram's, without ``CONFIGURE_``; the message is one sentence."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


def read_terms(body: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the keyterms of a ``Configure``, None where it leaves them. Raises `NotAChange` and `ChangeRefused`."""
    terms = body.get("keyterms")
    if terms is None:
        return None
    if not isinstance(terms, list) or not all(isinstance(term, str) for term in terms):
        raise NotAChange("keyterms must be a list of strings")
    if len(terms) > MAX_TERMS:
        raise ChangeRefused("KEYTERM_LIMIT_EXCEEDED", f"There may be {MAX_TERMS} keyterms.")
    return usable_terms(tuple(terms))


def features_not_done(body: Mapping[str, Any], told: Collection[str]) -> tuple[Warned, ...]:
    """Return a warning for each feature that a ``Configure`` switches on, but for those of the names in ``told``."""
    features = body.get("features")
    wanted = [name[:64] for name, on in features.items() if on is True] if isinstance(features, dict) else []
    return tuple(
        Warned(parameter=name, type="unsupported_feature", message=f"{name} is not done here.")
        for name in dict.fromkeys(wanted[:MOST_FEATURES])
        if name not in told
    )


def success_message(request_id: str, terms: tuple[str, ...]) -> dict[str, object]:
    """Return the answer to a change that is made."""
    return {"type": "ConfigureSuccess", "request_id": request_id, "keyterms": list(terms)}


def failure_message(request_id: str, code: str, why: str) -> dict[str, object]:
    """Return the answer to a change that is not made; ``code`` is without ``CONFIGURE_``."""
    named = {"code": f"CONFIGURE_{code}", "description": why}
    return {"type": "ConfigureFailure", "request_id": request_id, **named}
