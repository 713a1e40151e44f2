"""A run: one attack after the other on one server, each with a witness."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import trio

from abuse.catalogue import Attack, what
from abuse.fates import Fates
from abuse.target import Target, Vitals
from abuse.witness import Statement, witnessing

LEAD_S: Final = 1.0
"""The witness speaks so long before the attack begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One attack."""

    name: str
    what: str
    fates: Fates
    seconds: float
    statement: Statement
    before: Vitals
    after: Vitals

    @property
    def faults(self) -> Sequence[str]:
        """What must not be, a sentence each."""
        told = list(self.fates.faults)
        if not self.statement.is_exact:
            told.append(f"The witness did not hear what it said: {self.statement}.")
        if self.statement.interrupted:
            told.append(f"The witness lost its connection {self.statement.interrupted} times.")
        if self.after.fds > self.before.fds:
            told.append(f"{self.after.fds - self.before.fds} files are still open.")
        return told


async def run(target: Target, attacks: Mapping[str, Attack], tell: Callable[[Row], None]) -> list[Row]:
    """Make each attack, and tell of it. Raises `OSError` where the server is gone."""
    rows: list[Row] = []
    for name, attack in attacks.items():
        rows.append(await _row(target, name, attack))
        tell(rows[-1])
    return rows


async def _row(target: Target, name: str, attack: Attack) -> Row:
    before = target.vitals()
    async with witnessing(target.port) as statement:
        await trio.sleep(LEAD_S)
        began = trio.current_time()
        fates = await attack(target)
        seconds = trio.current_time() - began
    return Row(
        name=name,
        what=what(attack),
        fates=fates,
        seconds=seconds,
        statement=statement,
        before=before,
        after=await target.settled(before.fds),
    )


async def nobody(_target: Target) -> Fates:
    """Nobody attacks: what the witness notices of an ordinary server on this machine."""
    await trio.sleep(5.0)
    return Fates()
