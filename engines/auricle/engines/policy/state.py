"""What the streaming policy knows, and the rules it goes by. Positions are engine samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from auricle.core.parts import FinalReason
from auricle.engines.audio import endpointing
from auricle.engines.policy.events import Effect
from auricle.engines.protocol import BLOCK, ENGINE_RATE, StreamConfig, Transcript

PARTIAL_INTERVAL_S: Final = 0.5
"""Seconds between two partials of an utterance while the engine keeps up."""
LONGEST_SEGMENT_S: Final = 28.0
"""What Whisper hears at a time, with a little silence behind it."""
TAIL: Final = 4 * BLOCK
"""Silence that a final hears behind the last voice: the detector may be that late."""
DECODE_TIME_S: Final = 0.3
"""A speculative final begins so long before the silence ends the utterance, and longer in proportion where its window
is longer than the shortest: what a decode with a beam takes on a small machine. Earlier, and it is begun in every
breath; later, and somebody waits for it. tiny.en on one thread, 1 028 words, the same words each time: 0.2 s final
p50/p95 0.58/0.87 s; 0.3 s 0.55/0.83 s, 0.7 % more CPU time; 0.4 s 0.55/0.83 s, 1.9 % more."""
LONGEST_PAUSE: Final = 2 * ENGINE_RATE
"""What was said before a longer pause, in engine samples, is no context for what follows."""
MOST_PAST: Final = 8
"""Utterances before the open one that may be heard with it."""
CONTEXT_WINDOWS: Final = 2
"""So many of the shortest windows a final may be long to hear the utterances before it. tiny.en, 0.2 s of silence,
1 991 words: 8.1 % wrong with one (8 s of speech), 6.5 % with two, and no fewer with three and a half."""
SURE_OF_LANGUAGE: Final = ENGINE_RATE
"""Speech, in engine samples, that tells which language it is."""
LULL_S: Final = 3.0
"""Within so much speech there is a breath, or the end of a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a session asked for."""

    endpointing: endpointing.Rules
    partials: bool
    promises: bool
    """Whether committed words are told to be stable, and finals begin with them."""
    language: str | None
    """What it says it speaks."""
    language_per_utterance: bool
    """Whether the language may be another in every utterance."""
    pause: int | None
    """Silence after which a partial tells of a pause; None: none does."""
    shortest_window: int
    """Engine samples up to which a window costs the same (`Lanes.buckets`)."""
    speculate_after: int | None
    """Silence after which a final is speculated on at the latest, where turns are told; None: as endpointing says."""
    lull: int
    """Speech that has become too long is cut in the longest pause of its last so many samples."""

    @classmethod
    def of(
        cls,
        config: StreamConfig,
        shortest_window: int = 0,
        languages: Sequence[str] | None = None,
        *,
        speculate_after: int | None = None,
    ) -> "Rules":
        """Return the rules for a configuration, and an engine to which all windows up to a length cost the same.

        ``languages`` are those that the engine knows: there is nothing to detect where that is one, or one is allowed.
        ``speculate_after``: silence after which it should be heard what the final will be, for the end of turns.
        """
        only = next((known for known in (config.languages, languages or ()) if len(known) == 1), (None,))
        partials = config.partials and not config.offline
        pause = None if config.pause_s is None or not partials else round(config.pause_s * ENGINE_RATE)
        endpointing_rules = endpointing.Rules.of(config.silence_s, min(config.max_segment_s, LONGEST_SEGMENT_S))
        return cls(
            endpointing=endpointing_rules,
            partials=partials,
            promises=config.stable_prefix,
            language=config.language or only[0],
            language_per_utterance=config.language_per_utterance,
            shortest_window=shortest_window,
            speculate_after=speculate_after,
            lull=endpointing_rules.max_segment // 2
            if config.offline
            else min(round(LULL_S * ENGINE_RATE), endpointing_rules.max_segment // 4),
            pause=pause,
        )


class Asked(NamedTuple):
    """A partial decode that is out."""

    job: int
    start: int
    end: int


class Recent(NamedTuple):
    """A hypothesis of late."""

    end: int
    """End of the audio that it is of."""
    words: tuple[str, ...]
    """Those of its window, known ones as they were told."""


class Speculation(NamedTuple):
    """The final of an utterance that may be over; ``transcript`` once it is there."""

    job: int
    voiced_until: int
    transcript: Transcript | None = None
    failed: bool = False
    """Nothing came of it, and the endpoint asks anew."""
    silence: int = 0
    """How long nobody has spoken, where that matters (`Rules.pause`)."""
    pause_told: bool = False

    @property
    def is_out(self) -> bool:
        """Whether there is no answer yet."""
        return self.transcript is None and not self.failed

    def pause_is_due(self, rules: Rules) -> bool:
        """Whether the speaker has paused for so long that it is to be told, and it has been heard what was said."""
        waits = rules.pause is not None and not self.pause_told and self.silence >= rules.pause
        return waits and self.transcript is not None and self.transcript.believed


class Decision(NamedTuple):
    """An utterance that is over and whose final is out."""

    job: int
    end: int
    """It accounts for every sample before this."""
    voiced_until: int
    reason: FinalReason
    after: endpointing.State
    """Where voice detection goes on."""
    start: int
    """Where the window begins that is being decoded."""
    tries: int = 1
    in_known_language: Transcript | None = None
    """What was heard in the language of the session, which was improbable: the language is being detected anew."""


class Utterance(NamedTuple):
    """The one that is open."""

    began: int
    opened: int
    next_partial: int
    """From here on a partial is due."""
    window: int
    """Where windows of partials begin: what lies before is committed, and not heard again."""
    committed: tuple[str, ...] = ()
    """Words that will not change any more …"""
    promised_until: int = 0
    """… all of which were said before this."""
    trimmed: int = 0
    """So many of them lie before ``window``."""
    recent: tuple[Recent, ...] = ()
    """The last hypotheses, the newest last."""
    heard_until: int = 0
    """End of the last hypothesis."""
    told: str = ""
    """The last partial."""
    asked: tuple[Asked, ...] = ()
    speculation: Speculation | None = None
    pause: int = 0
    """Blocks of silence that run up to now."""
    lull: int = 0
    """Middle of the longest pause of late; where there was none, end of the quietest block."""
    lull_quietness: tuple[int, float] = (0, -1.0)
    """Blocks that the longest pause had, up to those that make it a certain one, and without a pause how unlikely the
    quietest block is voice: the negative of its probability. Higher is quieter."""

    def may_be_cut_at(self, rules: Rules, position: int) -> bool:
        """Whether this is so late in the utterance that it may yet be cut before ``position``."""
        return position > self.opened + rules.endpointing.max_segment - rules.lull

    def promised(self, rules: Rules) -> tuple[str, ...]:
        """Return the words that every later partial, and the final, begins with."""
        return self.committed if rules.promises else ()


class Past(NamedTuple):
    """An utterance that is finished."""

    opened: int
    voiced_until: int


class State(NamedTuple):
    """One session, between two events. Immutable and small; the audio is somebody else's."""

    voice: endpointing.State = endpointing.SILENT
    utterance: Utterance | None = None
    decision: Decision | None = None
    committed: int = 0
    """Every sample before this is accounted for."""
    jobs: int = 0
    """Decodes that have been wished for."""
    interval: int | None = round(PARTIAL_INTERVAL_S * ENGINE_RATE)
    """Between two partials; None: none for now."""
    language: str | None = None
    """What the session was found to speak, last."""
    past: tuple[Past, ...] = ()
    """The utterances before the open one, the last of them last."""

    @property
    def deciding(self) -> bool:
        """Whether a final is out: no `Voice` and no `Cut` may be told until it is there."""
        return self.decision is not None


INITIAL: Final = State()


def known_language(rules: Rules, state: State, spoken: int) -> str | None:
    """Return the language of ``spoken`` samples of an utterance; None where it is to be detected.

    Very short words are in the language of the session: alone they are detected among a hundred.
    """
    if rules.language_per_utterance and spoken >= SURE_OF_LANGUAGE:
        return rules.language
    return rules.language or state.language


def context_start(rules: Rules, state: State, *, opened: int, began: int, end: int) -> int:
    """Return where a window begins that ends at ``end`` and holds speech that ``began``: at ``opened``, or before it.

    A sentence with a breath in it is two utterances where little silence ends one, and each half alone is misheard
    (0.2 s: notes/real-weights.md §2 I). So the utterances just before are heard with it, as many as there is room for
    in `CONTEXT_WINDOWS`; not where they may be in another language.
    """
    if rules.language_per_utterance and rules.language is None:
        return opened
    start, next_began = opened, began
    longest = CONTEXT_WINDOWS * rules.shortest_window
    for past in reversed(state.past):
        if next_began - past.voiced_until > LONGEST_PAUSE or end - past.opened > longest:
            break
        start, next_began = min(start, past.opened), past.opened
    return start


Step = tuple[State, tuple[Effect, ...]]
"""What every event leads to: the next state, and what is to be done, in order."""
