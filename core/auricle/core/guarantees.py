"""The ordering guarantees O2-O8, O11 and O12, each checked once and for both ends of the wire.

Every function takes the draft and the message, raises `Breach` where the guarantee does not hold, and otherwise updates
the part of the snapshot that both roles share. The server runs them on what its engine produces (an illegal call
raises and nothing is sent); the client runs the same code on what it receives. Source: notes/wire-protocols.md §3.6,
with one refinement: finals need not be adjacent. Where a flush, the end of input or a failed utterance decides that a
range holds no words, ``committed`` moves over it, and the next final begins there.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final, get_args

from auricle.core.draft import Draft
from auricle.core.errors import Breach
from auricle.core.messages import (
    Ack,
    Annotate,
    Configure,
    Configured,
    ErrorMessage,
    Flush,
    Flushed,
    InputEnded,
    Partial,
    SpeechEnd,
    SpeechStart,
    TurnEnd,
    TurnMaybeEnd,
    TurnResumed,
)
from auricle.core.messages import Final as FinalMessage
from auricle.core.schema import LAST_POSITION
from auricle.core.snapshot import EndCode, OpenFlush, Snapshot
from auricle.core.turn import LONGEST_TEXT, UNPROMISED, MaybeEnd, Turn, begun_anew, following, joined

ANSWERED_KEPT: Final = 64
"""Number of answered ids that are remembered."""
FRESH: Final[Mapping[str, Any]] = {"rev": 0, "partial": None, "stable_prefix": ""}
"""Snapshot fields of a segment without partials."""


def _require(condition: object, guarantee: str, why: str) -> None:
    if not condition:
        raise Breach("protocol_violation", f"{guarantee}: {why}")


def check_ack(draft: Draft, ack: Ack) -> None:
    """O12: watermarks are monotone; ``committed <= processed <= received <= credit``."""
    s = draft.s
    _require(ack.committed <= ack.processed <= ack.received <= ack.credit, "O12", "watermarks are out of order")
    _require(ack.received <= s.sent, "O12", f"received {ack.received} of {s.sent} samples sent")
    for name in ("received", "processed", "credit"):
        _require(getattr(ack, name) >= getattr(s, name), "O12", f"{name} went back")
    _require(
        ack.committed == s.committed, "O12", f"committed {ack.committed}, but finals and answers cover {s.committed}"
    )
    _require(ack.discard_before <= ack.received, "O12", "audio that has not come cannot be discarded")
    draft.update(received=ack.received, processed=ack.processed, credit=ack.credit)


def check_speech(draft: Draft, message: SpeechStart | SpeechEnd) -> None:
    """Speech starts and ends in turn; O8: no speech event lies beyond the audio."""
    s, starting = draft.s, isinstance(message, SpeechStart)
    _require(starting == (s.speaking_since is None), "O8", "speech starts and ends in turn")
    _require(s.speech_at <= message.at, "O8", "speech events go forward")
    _require(message.at <= s.sent, "O8", "a speech event lies beyond the audio")
    draft.update(speaking_since=message.at if starting else None, speech_at=message.at)


def check_partial(draft: Draft, partial: Partial) -> None:
    """O5: partials of the open segment only, each new or told of a pause, each beginning with the stable prefix."""
    s = draft.s
    _require(partial.segment == s.segment, "O5", f"partial of segment {partial.segment}, open is {s.segment}")
    _require(partial.rev > s.rev, "O5", "rev must grow")
    is_new = partial.text != s.partial or partial.pause is not None
    _require(is_new, "O5", "a partial repeats the one before")
    _require(partial.stable <= len(partial.text), "O5", "stable is longer than the text")
    _require(partial.text.startswith(s.stable_prefix), "O5", "text that was promised as stable has changed")
    _require(partial.start <= partial.end, "O5", "start lies behind end")
    stable_prefix = max(s.stable_prefix, partial.text[: partial.stable], key=len)
    draft.update(rev=partial.rev, partial=partial.text, stable_prefix=stable_prefix)


def check_final(draft: Draft, final: FinalMessage) -> None:
    """O3, O4, O5: segments count up, their audio is contiguous and not empty, the stable prefix begins the text."""
    s, (begin, end) = draft.s, final.audio
    _require(final.segment == s.segment, "O3", f"final of segment {final.segment}, open is {s.segment}")
    _require(s.segment < LAST_POSITION, "O3", f"segment {s.segment} is the last that can be numbered")
    if not s.legacy:  # the legacy dialect has no coverage to check
        _require(begin == s.committed, "O3", f"audio from {begin}, but {s.committed} is where it is committed")
        _require(begin < end <= s.sent, "O3", f"audio {begin}-{end} of {s.sent}")
    _require(final.start <= final.end, "O3", "start lies behind end")
    _require(final.text.startswith(s.stable_prefix), "O5", "text that was promised as stable has changed")
    draft.update(
        segment=s.segment + 1,
        words=s.words + (len(final.words) if final.words else len(final.text.split())),
        failures=0,
        turn=_with_final(s, final),
        **_committed(s, end),
        **FRESH,
    )


def check_annotation(draft: Draft, message: Annotate) -> None:
    """O4: what is told later is about a final of this session, and changes nothing in it."""
    s = draft.s
    first = s.config.segment_origin or 0
    _require(first <= message.segment < s.segment, "O4", f"segment {message.segment} has no final that was said")
    _require(all(span.start <= span.end for span in message.speakers), "O4", "somebody stops before they begin")
    ordered = all(one.end <= other.start for one, other in pairwise(message.speakers))
    _require(ordered, "O4", "those who speak do so one after another")


def _with_final(s: Snapshot, final: FinalMessage) -> Turn:
    """O11: return the open turn with one more final, where turns are told."""
    if not s.tells_turns:
        return s.turn
    _require(len(s.turn.text) <= LONGEST_TEXT, "O11", f"a turn of more than {LONGEST_TEXT} characters has not ended")
    spoken_until = min(s.sent, max(s.turn.spoken_until, round(final.end * s.rate)))
    return s.turn._replace(text=joined(s.turn.text, final.text), spoken_until=spoken_until)


def check_turn_maybe_end(draft: Draft, message: TurnMaybeEnd) -> None:
    """O11: a promise of what the open turn will have been; one at a time, beginning with the finals so far."""
    s, turn = draft.s, draft.s.turn
    first, last = message.segments
    _check_turn(s, message)
    _require(turn.maybe is None, "O11", f"turn {turn.number} has perhaps ended already")
    _require(first == turn.first, "O11", f"turn {turn.number} begins with segment {turn.first}, not {first}")
    _require(max(first, s.segment - 1) <= last <= s.segment, "O11", f"segments up to {last}, open is {s.segment}")
    kept = message.text.startswith(turn.text) if last == s.segment else message.text == turn.text
    _require(kept, "O11", "the text of a turn is that of its finals")
    draft.update(turn=turn._replace(maybe=MaybeEnd(message.text, last), at=message.at))


def check_turn_resumed(draft: Draft, message: TurnResumed) -> None:
    """O11: a promise that is taken back was made."""
    turn = draft.s.turn
    _check_turn(draft.s, message)
    _require(turn.maybe is not None, "O11", f"turn {turn.number} has not perhaps ended")
    draft.update(turn=turn._replace(maybe=None, at=message.at))


def check_turn_end(draft: Draft, message: TurnEnd) -> None:
    """O11: a turn is all finals since the one before, there is one, and the text is what was promised last."""
    s, turn = draft.s, draft.s.turn
    _check_turn(s, message)
    _require(s.segment > turn.first, "O11", f"turn {turn.number} has no final")
    _require(message.segments == (turn.first, s.segment - 1), "O11", f"segments {message.segments} of a turn")
    _require(message.text == turn.text, "O11", "the text of a turn is that of its finals")
    if turn.maybe is None:
        _require(message.trigger in UNPROMISED, "O11", f"a turn ends by {message.trigger} without turn_maybe_end")
    else:
        _require(message.text == turn.maybe.text, "O11", "a turn ends with another text than turn_maybe_end said")
    draft.update(turn=following(turn, s.segment, message.at))


def _check_turn(s: Snapshot, message: TurnMaybeEnd | TurnResumed | TurnEnd) -> None:
    _require(message.turn == s.turn.number, "O11", f"turn {message.turn}, open is {s.turn.number}")
    _require(s.turn.at <= message.at <= s.sent, "O11", f"a turn at {message.at}")


def check_flushed(draft: Draft, flushed: Flushed) -> None:
    """O6: one answer for each flush, in the order asked, with everything before ``upto`` decided."""
    s = draft.s
    flush = next((flush for flush in s.flushes if flush.id == flushed.id), None)
    if flush is None:
        raise Breach("protocol_violation", f"O6: no flush {flushed.id!r} is open")
    _require(flush == s.flushes[0], "O6", f"flush {s.flushes[0].id!r} comes first")
    _require(max(flush.at, s.committed) <= flushed.upto <= s.sent, "O6", f"upto {flushed.upto}")
    draft.update(
        non_speech=s.non_speech + flushed.upto - s.committed,
        flushes=s.flushes[1:],
        answered=remember(s.answered, flush.id),
        **_committed(s, flushed.upto),
    )


def check_configured(draft: Draft, message: Configured) -> None:
    """O7: one answer for each change, in the order asked, with everything before ``from`` decided."""
    s = draft.s
    change = next((change for change in s.changes if change.id == message.id), None)
    if change is None:
        raise Breach("protocol_violation", f"O7: no change {message.id!r} is open")
    _require(change == s.changes[0], "O7", f"change {s.changes[0].id!r} comes first")
    _require(max(change.at, s.committed) <= message.from_ <= s.sent, "O7", f"from {message.from_}")
    draft.update(
        non_speech=s.non_speech + message.from_ - s.committed,
        changes=s.changes[1:],
        answered_changes=remember(s.answered_changes, change.id),
        config=change.config,
        turn=s.turn if change.config.features.turns == s.config.features.turns else begun_anew(s.turn, s.segment),
        **_committed(s, message.from_),
    )


def remember(answered: tuple[str, ...], answered_id: str) -> tuple[str, ...]:
    """Return the latest answered ids with one more."""
    return (*answered, answered_id)[-ANSWERED_KEPT:]


def check_input_ended(draft: Draft, message: InputEnded) -> None:
    """O8: the received count is final, and at most what was sent."""
    s = draft.s
    _require(s.received <= message.received <= s.sent, "O8", f"received {message.received} of {s.sent} sent")
    ended = message.by == "server" and not s.ended
    draft.update(
        received=message.received,
        ended=True,
        ended_at=draft.now,
        end_code=_END_CODES.get(message.code or "", "shutdown") if ended else s.end_code,
    )


_END_CODES: Final[Mapping[str, EndCode]] = {code: code for code in get_args(EndCode)}


def check_loss(draft: Draft, error: ErrorMessage) -> None:
    """O3: audio lost to an engine failure begins where the committed audio ends."""
    if error.audio is None:
        return
    s, (begin, end) = draft.s, error.audio
    _require(begin == s.committed, "O3", f"audio lost from {begin}, but {s.committed} is where it is committed")
    _require(begin < end <= s.sent, "O3", f"audio {begin}-{end} of {s.sent}")
    fresh = {**FRESH, "rev": s.rev}  # the segment is still open: its revisions go on
    draft.update(dropped=s.dropped + end - begin, failures=s.failures + 1, **_committed(s, end), **fresh)


def check_refusal(draft: Draft, error: ErrorMessage) -> Flush | Configure | None:
    """An error that refers to a flush or a change is its answer. Return that flush or change, None for neither."""
    s, ref = draft.s, error.ref
    if ref is None:
        return None
    if any(flush.id == ref for flush in s.flushes):
        flushes = tuple(flush for flush in s.flushes if flush.id != ref)
        draft.update(flushes=flushes, answered=remember(s.answered, ref))
        return Flush(id=ref)
    if any(change.id == ref for change in s.changes):
        changes = tuple(change for change in s.changes if change.id != ref)
        draft.update(changes=changes, answered_changes=remember(s.answered_changes, ref))
        return Configure(id=ref, set={})
    return None


def check_cut(s: Snapshot, end: int) -> None:
    """O6, O7: a segment that ends at ``end`` does not extend across an open flush or change.

    Server only, as a client's flush may cross a final on the wire. A flush does not count where audio beyond it had
    arrived already: the engine may have decided across it before it was asked.
    """
    cut = next((flush for flush in s.flushes if flush.exact and s.committed < flush.at < end), None)
    _require(cut is None, "O6", f"the audio must be cut at {cut.at if cut else None} for a flush")
    # A change that lies where the last one ended is still unanswered: what comes now is not for the old configuration.
    change = next((change for change in s.changes if s.committed <= change.at < end), None)
    _require(change is None, "O7", f"the audio must be cut at {change.at if change else None} for a change")


def is_decided(s: Snapshot, flush: OpenFlush) -> bool:
    """Whether everything before a flush that the engine was not asked about is committed (failure mode F7)."""
    return not flush.awaited and flush.at <= s.committed


def _committed(s: Snapshot, position: int) -> dict[str, int]:
    """Return the watermarks after a commit up to ``position`` (O12: processed and received are at least that)."""
    return {
        "committed": max(s.committed, position),
        "processed": max(s.processed, position),
        "received": max(s.received, position),
    }
