"""Every planted fault is killed: by the explorer where a search over control can, by a named test where it cannot."""

import pytest

from auricle.core.testing.explorer.liveness import prove
from auricle.core.testing.explorer.settings import LARGE
from core.mutants import TABLE, Mutant, planted
from core.test_mutants import CHECKS

BY_NAME = {settings.name: settings for settings in LARGE}
HUNTED = [mutant for mutant in TABLE if mutant.explorer is not None]
MOST = 60_000
"""Joint states within which a fault must be found: far fewer than there are."""
LEAST = 20


@pytest.mark.parametrize("mutant", HUNTED, ids=lambda mutant: mutant.name)
def test_the_explorer_kills_it(mutant: Mutant) -> None:
    assert mutant.explorer is not None
    with planted(mutant.plant):
        explored = prove(BY_NAME[mutant.explorer], most=MOST)
    assert explored.found is not None, f"{mutant.name} survives {len(explored.keys)} joint states"


def test_somebody_kills_each_of_them() -> None:
    print()
    for mutant in TABLE:
        told = f"explorer: {mutant.explorer or '-':24} simulation: {mutant.simulation or '-':12}"
        print(f"{mutant.name:36} {told} named test: {'yes' if mutant.name in CHECKS else '-':4} {mutant.origin}")
    assert len(HUNTED) >= LEAST
    assert not [mutant.name for mutant in TABLE if not (mutant.explorer or mutant.simulation or mutant.name in CHECKS)]


def test_every_named_check_is_about_a_fault_of_the_table() -> None:
    assert set(CHECKS) <= {mutant.name for mutant in TABLE}
