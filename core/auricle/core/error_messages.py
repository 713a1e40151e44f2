"""``error`` messages, with what the table of error codes says about each code."""

from auricle.core.errors import ERROR_CODES
from auricle.core.messages import ErrorMessage
from auricle.core.snapshot import Snapshot


def error_of(
    s: Snapshot,
    code: str,
    why: str,
    *,
    fatal: bool = False,
    ref: str | None = None,
    param: str | None = None,
    audio: tuple[int, int] | None = None,
    retry_after_s: float | None = None,
) -> ErrorMessage:
    """Return the next message of a server. ``code`` is a key of `ERROR_CODES`, ``why`` a clause for people.

    ``ref`` is the id of the flush or change that it answers, ``audio`` the samples that are lost.
    """
    row = ERROR_CODES[code]
    return ErrorMessage(
        seq=s.seq + 1,
        code=code,
        message=why,
        fatal=fatal,
        retriable=row.retriable,
        status=row.status,
        ref=ref,
        param=param,
        audio=audio,
        retry_after_ms=None if retry_after_s is None else round(retry_after_s * 1000),
    )
