"""What a session wants of whoever decodes windows: the policy's wishes, with the audio they are about."""

from dataclasses import dataclass

from auricle.engines.policy.events import Drop, Promote, Urgency
from auricle.engines.protocol import Transcript, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeRequest:
    """Decode ``window``. ``job`` is its number in the session and grows from request to request."""

    job: int
    urgency: Urgency
    window: Window


Wish = DecodeRequest | Promote | Drop

Outcome = Transcript | str
"""What came of a decode; a string is one sentence about why nothing did."""
