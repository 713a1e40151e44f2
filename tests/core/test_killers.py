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


def test_somebody_kills_each_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(mutant.name, mutant.explorer or "-", mutant.name in CHECKS, mutant.origin) for mutant in TABLE]
    for name, explorer, by_test, origin in rows:
        print(f"{name:42} explorer: {explorer:24} named test: {'yes' if by_test else '-':4} ({origin})")
    assert len(HUNTED) >= LEAST
    assert not [name for name, explorer, by_test, _ in rows if explorer == "-" and not by_test], "nobody kills these"
    assert capsys.readouterr().out


def test_every_named_check_is_about_a_fault_of_the_table() -> None:
    assert set(CHECKS) <= {mutant.name for mutant in TABLE}
