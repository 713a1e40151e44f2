"""The same clips again and again, with systems that are made up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from clips import Word
from words import store
from words.heard import Heard, Hearing, Shown, Told
from words.repeats import repeated
from words.samples import Sample
from words.verdicts import verdicts


@dataclass(slots=True)
class Script:
    """Says another thing in each run."""

    runs: list[Told]
    heard: int = field(default=0)

    def hear(self, samples: Sequence[Sample], tell: Callable[[str], None]) -> Hearing:
        said = self.runs[self.heard]
        self.heard += 1
        steady = Heard(clip="steady", finals=(Told(text="yes"),), has_words=True)
        return Hearing(heard=(steady, Heard(clip="odd", finals=(said,), has_words=True)), cpu_s=1.0, wall_s=1.0)


def told(text: str, start_s: float = 0.0, partial: str = "") -> Told:
    return Told(
        text=text, words=(Word(text=text, start_s=start_s, end_s=start_s + 0.2),), partials=(Shown(text=partial),)
    )


def differing(*runs: Told) -> list[str]:
    found = repeated(Script(list(runs)), (), len(runs), lambda name: None)["differing"]
    assert isinstance(found, list)
    return found


def test_another_text_or_another_time_in_any_run_is_told() -> None:
    assert differing(told("one"), told("one"), told("won")) == ["odd"]
    assert differing(told("one"), told("one", start_s=0.02)) == ["odd"]


def test_partials_may_differ() -> None:
    assert differing(told("one", partial="w"), told("one", partial="won")) == []


def test_a_clip_that_differed_is_a_bar_that_is_not_met_and_is_kept_beside_other_runs() -> None:
    def results(column: str, differing: list[str]) -> dict[str, object]:
        meta = {"clips": 2, "audio_s": 9.0}
        found = {column: {"times": 10, "clips": 2, "differing": differing}}
        return {"kind": "words", "meta": meta, "columns": {}, "repeats": found}

    found = store.merged(results("files", []), results("live-virtual-0.5", ["odd"]))
    assert {verdict.what: verdict.met for verdict in verdicts(found)} == {
        "clips whose finals differ between 10 runs, files": True,
        "clips whose finals differ between 10 runs, live-virtual-0.5": False,
    }
