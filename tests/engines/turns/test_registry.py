"""Turn detectors by name, and what is said of those that cannot be had."""

import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest

from auricle.engines import registered
from auricle.engines.protocol import EngineUnavailable
from auricle.engines.turn_taking.protocol import TurnDetector
from auricle.engines.turns import registry

ROOT = Path(__file__).parents[3]
THIRD_PARTY = SimpleNamespace(create=lambda: "a string", fail=lambda: 1 / 0)


@pytest.fixture(autouse=True)
def entries(monkeypatch):
    """The entry points of this checkout, whatever is installed, and two of somebody else."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][registry.GROUP]
    declared |= {"none": "third_party:create", "broken": "third_party:fail"}
    found = [EntryPoint(name=name, value=value, group=registry.GROUP) for name, value in declared.items()]
    monkeypatch.setitem(sys.modules, "third_party", THIRD_PARTY)
    monkeypatch.setattr(
        registered, "entry_points", lambda group, name=None: [one for one in found if name in (None, one.name)]
    )


def test_ours_are_there_and_are_not_loaded():
    assert {"silence", "smart-turn"} <= set(registry.available())
    for name in ("silence", "smart-turn"):
        detector = registry.create(name)
        assert isinstance(detector, TurnDetector)
        assert detector.name == name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nobody", "There is no turn detector 'nobody'; there are broken, none, silence, smart-turn."),
        ("none", "The turn detector none (third_party:create) is none: str."),
        ("broken", "The turn detector broken (third_party:fail) cannot be used here: division by zero."),
    ],
)
def test_what_cannot_be_had_is_said_in_a_sentence(name, sentence):
    with pytest.raises(EngineUnavailable) as caught:
        registry.create(name)
    assert str(caught.value) == sentence


def test_silence_has_no_opinion():
    detector = registry.create("silence")
    detector.load(lambda stage, fraction: None)
    assert detector.probability(None) is None  # type: ignore[arg-type]
