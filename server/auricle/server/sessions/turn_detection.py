"""By what a server tells that a turn is over: one detector for all sessions, and the rules of each.

The detector runs on a thread of this process, where voice is detected too, and not with the model in a process of its
own: it needs a session's audio and nothing of the engine, engines know no turns, and there a question would wait behind
the decode of a window.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from auricle.core import Start
from auricle.engines.turn_taking.decision import TurnRules
from auricle.engines.turn_taking.judge import TurnJudge
from auricle.engines.turn_taking.watch import TurnTaking
from auricle.engines.turns import registry
from auricle.server.sessions.loading import load

SILENCE: Final = "silence"
"""The detector that has no opinion, which nobody need ask."""
DEFAULTS: Final = TurnRules()
"""The rules where neither a client nor the operator says."""


class TurnDetection(NamedTuple):
    """The detector that is running."""

    name: str = SILENCE
    judge: TurnJudge | None = None
    defaults: TurnRules = DEFAULTS
    """The rules where a client does not say."""

    def of_session(self, config: Start, silence_s: float) -> TurnTaking | None:
        """Return how a session tells the end of a turn, None where its client does not want to know.

        ``silence_s`` ends its utterances. Where nobody waits for results, that ends its turns too.
        """
        if not config.features.turns:
            return None
        if config.endpointing.offline:
            return TurnTaking(rules=TurnRules(over_s=silence_s, unknown_s=silence_s, longest_s=silence_s))
        return TurnTaking(rules=turn_rules(config, silence_s, self.defaults), judge=self.judge)


BY_SILENCE: Final = TurnDetection()


def turn_rules(config: Start, silence_s: float, defaults: TurnRules = DEFAULTS) -> TurnRules:
    """Return the rules that a client asks for. A silence that is shorter than one before it counts as that."""
    asked, pause_ms = config.turns, config.endpointing.pause_ms
    over_s = _seconds(asked.silence_ms, defaults.over_s)
    unknown_s = max(over_s, _seconds(asked.unsure_ms, silence_s))
    threshold = defaults.threshold if asked.threshold is None else asked.threshold
    return TurnRules(
        threshold=threshold,
        maybe_threshold=threshold if asked.maybe_threshold is None else asked.maybe_threshold,
        over_s=over_s,
        maybe_s=min(unknown_s, _seconds(pause_ms, defaults.maybe_s)),
        unknown_s=unknown_s,
        longest_s=max(unknown_s, _seconds(asked.timeout_ms, defaults.longest_s)),
    )


def _seconds(milliseconds: int | None, otherwise_s: float) -> float:
    return otherwise_s if milliseconds is None else milliseconds / 1000


@asynccontextmanager
async def running_turn_detection(name: str, defaults: TurnRules = DEFAULTS) -> AsyncIterator[TurnDetection]:
    """Run the detector ``name`` for the length of the block. Raises `EngineUnavailable`, which says what to do."""
    if name == SILENCE:
        yield TurnDetection(defaults=defaults)
        return
    detector = registry.create(name)
    await load(detector)
    judge = TurnJudge(detector)
    try:
        yield TurnDetection(name, judge, defaults)
    finally:
        judge.close()
