"""The table of all checks. Reports and ``--only`` use their ids, which do not change."""

from typing import Final

from auricle.transports.testing.conformance import (
    framing_checks,
    handshake_checks,
    legacy_checks,
    resume_checks,
    stream_checks,
)
from auricle.transports.testing.conformance.results import Check

NOTES: Final = "docs/protocol.md"


def _v1(id: str, title: str, section: str, run: object) -> Check:
    return Check(id=id, title=title, source=f"{NOTES}, {section}", dialect="auricle.v1", run=run)  # type: ignore[arg-type]


def _old(id: str, title: str, run: object) -> Check:
    return Check(id=id, title=title, source=f"{NOTES}, The legacy dialect", dialect="legacy", run=run)  # type: ignore[arg-type]


CHECKS: Final = (
    _v1("subprotocol", "selects auricle.v1 where it is offered",
        "Transport and negotiation", handshake_checks.selects_the_subprotocol),
    _v1("no-subprotocol", "tells this protocol by its first message, too",
        "Transport and negotiation", handshake_checks.serves_without_a_subprotocol),
    _v1("fragments", "takes messages in fragments, with pings between them",
        "Transport and negotiation (RFC 6455 §5.4)", framing_checks.takes_messages_in_pieces),
    _v1("masks", "ends a connection whose frames are not masked",
        "Transport and negotiation (RFC 6455 §5.1)", framing_checks.wants_masks),
    _v1("ready-first", "says ready first, with seq 1", "Ordering guarantees (O1)", handshake_checks.says_ready_first),
    _v1("start-first", "refuses anything before start", "Legality", handshake_checks.wants_start_first),
    _v1("start-before-audio", "refuses audio before start", "Legality", handshake_checks.wants_start_before_audio),
    _v1("one-start", "refuses a second start", "Legality", handshake_checks.takes_one_start),
    _v1("json", "refuses what is not JSON, with 1007", "Errors", handshake_checks.wants_json),
    _v1("type", "refuses a message without a type, with 1007", "Errors", handshake_checks.wants_a_type),
    _v1("wrong-field", "names the field that is wrong in start", "Errors", handshake_checks.names_a_wrong_field),
    _v1("unknown-encoding", "refuses an unknown encoding", "Errors", handshake_checks.refuses_an_unknown_encoding),
    _v1("require", "refuses what is required and cannot be done",
        "Forward compatibility", handshake_checks.refuses_what_it_cannot_do),
    _v1("ignored", "lists the unknown fields of start",
        "Forward compatibility", handshake_checks.lists_what_it_ignores),
    _v1("unknown-type", "warns once of an unknown type and goes on",
        "Forward compatibility", handshake_checks.warns_once_of_an_unknown_type),
    _v1("ping", "answers a ping with its id and t", "Signs of life", handshake_checks.answers_pings),
    _v1("features", "says nothing that was not asked for", "Messages", handshake_checks.keeps_features_off),
    _v1("accounting", "accounts for every sample and closes",
        "Completeness (O9)", stream_checks.accounts_for_every_sample),
    _v1("no-audio", "ends a session without audio as complete", "Ending", stream_checks.ends_without_audio),
    _v1("early-audio", "takes audio before ready", "Flow control", stream_checks.takes_audio_before_ready),
    _v1("chunks", "comes to the same finals however the audio is cut into frames",
        "Ordering guarantees (O13)", stream_checks.does_not_mind_chunks),
    _v1("odd-bytes", "tells that half a sample was dropped",
        "Audio and the timeline", stream_checks.drops_half_a_sample),
    _v1("end-once", "ends once, however often it is asked", "Ending", stream_checks.ends_once),
    _v1("late-audio", "goes on reading after the end, and does not count what comes late",
        "Ending", stream_checks.counts_late_audio),
    _v1("total", "tells a total that is not what came", "Ending", stream_checks.minds_a_wrong_total),
    _v1("credit-granted", "grants more credit as it hears", "Flow control (O12)", stream_checks.grants_credit),
    _v1("credit-enforced", "ends a session that overruns its credit, with 4413",
        "Flow control", stream_checks.enforces_credit),
    _v1("huge-frame", "refuses a frame with too much audio, with 1009",
        "Audio and the timeline", stream_checks.refuses_a_huge_frame),
    _v1("flush-nothing", "answers a flush of nothing at once", "Flushing", stream_checks.answers_an_empty_flush),
    _v1("flush", "answers a flush when everything before it is decided",
        "Flushing (O6)", stream_checks.answers_a_flush),
    _v1("flush-order", "answers flushes in order", "Flushing (O6)", stream_checks.answers_many_flushes),
    _v1("flush-once", "answers a flush once for each id", "Flushing", stream_checks.answers_an_id_once),
    _v1("flush-many", "answers or refuses each of too many flushes, once",
        "Flushing", stream_checks.answers_too_many_flushes),
    _v1("flush-future", "refuses a flush beyond the audio and goes on",
        "Flushing", stream_checks.refuses_a_flush_of_the_future),
    _v1("marker", "answers a flush that only marks a position", "Flushing", stream_checks.answers_a_marker),
    _v1("configure", "changes the configuration exactly where it was asked to",
        "Changing the configuration (O7)", stream_checks.changes_in_mid_stream),
    _v1("configure-once", "answers a change once for each id",
        "Changing the configuration", stream_checks.answers_a_change_once),
    _v1("configure-bad", "refuses a malformed change and goes on",
        "Changing the configuration", stream_checks.refuses_a_bad_change),
    _v1("gap", "counts samples without audio", "Audio and the timeline", stream_checks.counts_gaps),
    _v1("offset64", "understands frames that say their position",
        "Audio and the timeline", handshake_checks.places_frames),
    _v1("cancel", "confirms a cancel, as not complete", "Ending", stream_checks.confirms_a_cancel),
    _v1("cancel-early", "confirms a cancel before it is ready", "Ending", stream_checks.confirms_an_early_cancel),
    _v1("cancel-late", "confirms a cancel after the end of the input", "Ending", stream_checks.confirms_a_late_cancel),
    _v1("resume", "takes a session up, and comes to what it would have come to uncut",
        "Losing the connection", resume_checks.takes_a_session_up),
    _v1("resume-again", "survives a connection that breaks again and again",
        "Losing the connection", resume_checks.survives_every_cut),
    _v1("resume-end", "tells the end again to a client that did not hear it",
        "Losing the connection", resume_checks.tells_the_end_again),
    _v1("resume-token", "takes each token once", "Losing the connection", resume_checks.gives_a_token_once),
    _v1("resume-stranger", "refuses a wrong token, and the session goes on",
        "Losing the connection", resume_checks.minds_the_token),
    _v1("resume-first", "refuses resume in the middle of a session", "Legality", handshake_checks.wants_resume_first),
    _v1("resume-unknown", "says session_gone of a session it does not know",
        "Losing the connection", handshake_checks.knows_no_stranger),
    _v1("superseded", "closes the older connection with 4409", "Losing the connection", resume_checks.supersedes),
    _old("legacy-ready", "says ready with exactly two keys", legacy_checks.says_ready),
    _old("legacy-finals", "says finals with exactly five keys, then closes with 1000",
        legacy_checks.says_finals_and_closes),
    _old("legacy-error", "says an error with exactly two keys, and closes", legacy_checks.refuses_a_bad_configuration),
    _old("legacy-end", "ends once, and drops audio after the end", legacy_checks.ends_once),
    _old("legacy-garbage", "survives invalid JSON and unknown messages", legacy_checks.survives_garbage),
)  # fmt: skip
"""In the order in which they are run."""
