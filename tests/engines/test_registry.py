"""Engines by name, and the one that answers when the best cannot be had."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from auricle.engines import fallback, registered, registry
from auricle.engines.compute import ComputeOptions
from auricle.engines.protocol import EngineUnavailable
from auricle.engines.scripted.engine import ScriptedEngine
from auricle.engines.scripted.script import Script

HERE = __name__


def make(model, language):
    return ScriptedEngine(Script(name=model or "default"))


def make_as_told(model, language, compute):
    return ScriptedEngine(Script(name=f"{compute.device} {compute.threads}"))


def make_missing(model, language):
    return ScriptedEngine(Script(load_failure="There is no Whisper model here."))


def make_missing_and_how(model, language, compute=None):
    return make_missing(model, language)


def make_unavailable(model, language):
    raise EngineUnavailable("Not on this machine.")


def make_nothing(model, language):
    return object()


def ignore(stage, fraction):
    """Nobody looks."""


@pytest.fixture
def install(monkeypatch):
    """Install engines by name, instead of those that are."""

    def put(**engines: str) -> None:
        entries = EntryPoints(EntryPoint(name, value, registry.GROUP) for name, value in engines.items())
        monkeypatch.setattr(registered, "entry_points", lambda **selection: entries.select(**selection))

    return put


def test_ours_are_there():
    assert {"scripted", "sphinx", "whisper"} <= set(registry.available())
    assert registry.load_engine("scripted").info.name == "scripted"


def test_an_unknown_name_is_told_the_known_ones(install):
    install(one=f"{HERE}:make", two=f"{HERE}:make")
    assert registry.available() == ("one", "two")
    with pytest.raises(EngineUnavailable, match=r"'three'; there are one, two\.$"):
        registry.load_engine("three")


def test_how_it_computes_is_told_to_an_engine_that_takes_it(install):
    install(one=f"{HERE}:make", two=f"{HERE}:make_as_told")
    chosen = ComputeOptions(device="cpu", threads=3)
    assert registry.load_engine("two", compute=chosen).info.model == "cpu 3"
    assert registry.load_engine("one", compute=ComputeOptions()).info.model == "default"
    with pytest.raises(EngineUnavailable, match="engine one cannot be told its device and threads"):
        registry.load_engine("one", compute=chosen)


def test_numbers_out_of_range_are_told():
    with pytest.raises(ValueError, match="beam size is 1 to 10, not 0"):
        ComputeOptions(beam_size=0)
    with pytest.raises(ValueError, match="at least one thread"):
        ComputeOptions(threads=0)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("no_such_module:create_engine", "No module named 'no_such_module'"),
        (f"{HERE}:no_such_function", "no_such_function"),
        (f"{HERE}:make_nothing", "is none: object"),
        (f"{HERE}:make_unavailable", "Not on this machine"),
    ],
)
def test_what_cannot_be_made_is_told_in_one_sentence(install, value, why):
    install(broken=value)
    with pytest.raises(EngineUnavailable) as caught:
        registry.load_engine("broken")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nobody_asked_and_the_best_works(install):
    install(whisper=f"{HERE}:make", sphinx=f"{HERE}:make")
    loaded = fallback.engine_loader()(ignore)
    assert loaded.note is None


def test_nobody_asked_and_the_best_cannot_be_had(install):
    install(whisper=f"{HERE}:make_missing", sphinx=f"{HERE}:make")
    loaded = fallback.engine_loader()(ignore)
    assert loaded.engine.info.model == "default"
    assert loaded.note is not None
    assert "There is no Whisper model here." in loaded.note
    assert "\n" not in loaded.note


def test_neither_works(install):
    install(whisper=f"{HERE}:make_missing", sphinx=f"{HERE}:make_unavailable")
    with pytest.raises(EngineUnavailable, match=r"no Whisper model here\. Not on this machine"):
        fallback.engine_loader()(ignore)


@pytest.mark.parametrize(
    "choice",
    [
        {"engine": "whisper"},
        {"model": "large-v3"},
        {"engine": "whisper", "model": "x"},
        {"compute": ComputeOptions(compute_type="int3")},
    ],
)
def test_a_choice_is_never_replaced(install, choice):
    install(whisper=f"{HERE}:make_missing_and_how", sphinx=f"{HERE}:make")
    with pytest.raises(EngineUnavailable, match="no Whisper model here"):
        fallback.engine_loader(**choice)(ignore)


def test_a_device_that_cannot_be_had_is_told_and_no_other_engine_answers(install):
    install(whisper=f"{HERE}:make", sphinx=f"{HERE}:make")  # one that has no device
    with pytest.raises(EngineUnavailable, match="The engine whisper cannot be told its device"):
        fallback.engine_loader(compute=ComputeOptions(device="cuda"))(ignore)


def test_a_model_without_an_engine_is_one_of_the_default_engine(install):
    install(whisper=f"{HERE}:make")
    assert fallback.engine_loader(model="large-v3")(ignore).engine.info.model == "large-v3"
