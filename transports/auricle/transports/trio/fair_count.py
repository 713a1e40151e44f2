"""Counts what one peer sends in pieces, of which many small ones cost as much as many large ones."""

from typing import Final

import trio

from auricle.transports.trio.frame_budget import FrameBudget


class FairCount:
    """The pieces of one connection: frames, events, or chunks of a body.

    After each ``per_turn`` of them other tasks get their turn. ``budget`` bounds the small ones of a peer that is not
    trusted to send only what is of use; None: there is no bound.
    """

    def __init__(self, per_turn: int, budget: FrameBudget | None) -> None:
        self._per_turn: Final = per_turn
        self._budget: Final = budget
        self._pieces = 0

    async def allows(self, audio_bytes: int) -> bool:
        """Count a piece with so many bytes of audio, 0 for one without; return whether it was allowed."""
        self._pieces += 1
        if self._pieces % self._per_turn == 0:
            await trio.lowlevel.checkpoint()
        return self._budget is None or self._budget.allows(audio_bytes, now=trio.current_time())
