"""All attacks, in the order of the page."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from abuse.attacks import bodies, crowds, frames, fuzz, heads, recordings, silence, smuggling, upgrades, wyoming
from abuse.fates import Fates
from abuse.target import Target

Attack = Callable[[Target], Awaitable[Fates]]

ATTACKS: Final[Mapping[str, Attack]] = MappingProxyType(
    {
        "heads that want in": heads.break_ins,
        "hidden requests": smuggling.hidden_requests,
        "other upgrades": upgrades.other_upgrades,
        "three thousand ranges": upgrades.many_ranges,
        "slow loris": heads.slow_loris,
        "silent connections": heads.silent,
        "endless heads": heads.endless_head,
        "connections, made and reset": crowds.flood,
        "more connections than there are": crowds.over_the_limit,
        "a thousand idle sessions": crowds.idle_sessions,
        "WebSockets without a session": silence.never_starts,
        "half-open sessions": silence.half_open,
        "answers that nobody reads": silence.never_reads_answers,
        "audio, and nothing is read": silence.never_reads_session,
        "frames that claim 2^62 bytes": frames.giant_claim,
        "messages of 8 MiB": frames.giant_message,
        "frames of one byte": frames.tiny_frames,
        "empty fragments": frames.empty_fragments,
        "10,000 messages a second": frames.many_messages,
        "messages with padding": frames.padded_messages,
        "pings without end": frames.pings,
        "a compressed bomb": frames.compressed,
        "text that is no message": frames.malformed,
        "a bomb in gzip": bodies.gzip_bomb,
        "a body without end": bodies.endless_body,
        "a form of many parts": bodies.many_parts,
        "a form with endless headers": bodies.endless_headers,
        "a form of large fields": bodies.large_fields,
        "a form in chunks of a byte": bodies.tiny_chunks,
        "uploads that stall": bodies.stalled,
        "recordings that promise": recordings.promises,
        "an index without end": recordings.endless_index,
        "sound before its index": recordings.endless_sound,
        "hours of silence": recordings.hours_of_silence,
        "Wyoming lines": wyoming.lines,
        "Wyoming events": wyoming.events,
        "Wyoming questions": wyoming.questions,
        "Wyoming in silence": wyoming.silent_crowd,
        "any requests": fuzz.requests,
        "any frames": fuzz.frames,
    }
)


def what(attack: Attack) -> str:
    """Return what an attack does, in one sentence."""
    return (attack.__doc__ or "").splitlines()[0]
