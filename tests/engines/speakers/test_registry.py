"""Voice embedders by name, and what is said of those that cannot be had."""

import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest

from auricle.engines import registered
from auricle.engines.protocol import EngineUnavailable
from auricle.engines.speakers import registry
from auricle.engines.speakers.protocol import VoiceEmbedder

ROOT = Path(__file__).parents[3]
THIRD_PARTY = SimpleNamespace(create=lambda: "a string", fail=lambda: 1 / 0)


@pytest.fixture(autouse=True)
def entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry points of this checkout, whatever is installed, and two of somebody else."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][registry.GROUP]
    declared |= {"none": "third_party:create", "broken": "third_party:fail"}
    found = [EntryPoint(name=name, value=value, group=registry.GROUP) for name, value in declared.items()]
    monkeypatch.setitem(sys.modules, "third_party", THIRD_PARTY)  # type: ignore[arg-type]
    monkeypatch.setattr(
        registered, "entry_points", lambda group, name=None: [one for one in found if name in (None, one.name)]
    )


def test_ours_is_there_and_is_not_loaded() -> None:
    assert registry.available() == ("broken", "campplus", "none")
    embedder = registry.create("campplus")
    assert isinstance(embedder, VoiceEmbedder)
    assert embedder.name == "campplus"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nobody", "There is no 'nobody' that tells speakers apart; there are broken, campplus, none."),
        ("none", "none (third_party:create) tells no speakers apart: str."),
        ("broken", "broken (third_party:fail) cannot tell speakers apart here: division by zero."),
    ],
)
def test_what_cannot_be_had_is_said_in_a_sentence(name: str, sentence: str) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        registry.create(name)
    assert str(caught.value) == sentence
