"""What has to be reached, and whether a results file says that it was. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

Measures = Mapping[str, Any]
TINY_WIDTH = 384
MEMORISED_SESSIONS = 16
MEMORISED_DELAY_S = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One bar: ``met`` is None where it was not measured, or does not apply."""

    what: str
    bar: str
    value: str
    met: bool | None

    @property
    def word(self) -> str:
        """What a table says."""
        return {True: "met", False: "**not met**", None: "—"}[self.met]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    what: str
    bar: str
    needs: str
    """The measure it is read from."""
    read: Callable[[Any, Measures], tuple[str, bool | None]]
    """Takes that measure and all of them; returns the value and whether it is enough."""
    memorised: bool | None = None
    """Only for models that memorised their clips, or only for others; None: for all."""
    of_tiny: bool = False
    """Set for models of tiny's shape or larger: next to a smaller one's decode everything else is large."""


def verdicts(results: Mapping[str, Any]) -> list[Verdict]:
    """Return every bar that applies to the model of a results file."""
    measures: Measures = results["measures"]
    memorised = bool(results["meta"]["memorised"])
    judged = [(bar, _judge(bar, measures)) for bar in BARS if bar.memorised in (None, memorised)]
    is_small = results["meta"]["width"] < TINY_WIDTH
    return [_reported(verdict) if bar.of_tiny and is_small else verdict for bar, verdict in judged]


def _reported(verdict: Verdict) -> Verdict:
    return replace(verdict, bar=f"{verdict.bar}, for the shape of tiny", met=None)


def _judge(bar: _Bar, measures: Measures) -> Verdict:
    measure = measures.get(bar.needs)
    if measure is None:
        return Verdict(what=bar.what, bar=bar.bar, value="not measured", met=None)
    if "skipped" in measure:
        return Verdict(what=bar.what, bar=bar.bar, value=f"not measured: {measure['skipped']}", met=None)
    if "failed" in measure:
        return Verdict(what=bar.what, bar=bar.bar, value=f"the measure failed: {measure['failed']}", met=False)
    value, met = bar.read(measure, measures)
    return Verdict(what=bar.what, bar=bar.bar, value=value, met=met)


def saturated(capacity: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the trial with the fewest sessions that did not hold, or the one with the most that did."""
    trials = capacity["ours"]["trials"]
    holding = {trial["sessions"] for trial in trials if trial["held"]}
    broke = [trial for trial in trials if trial["sessions"] not in holding]
    if broke:
        return min(broke, key=lambda trial: trial["sessions"])  # type: ignore[no-any-return]
    return max(trials, key=lambda trial: trial["sessions"], default=None)


def number(value: float | None, unit: str = "") -> str:
    """Return a value for a table: three digits that mean something."""
    if value is None:
        return "—"
    shown = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{shown} {unit}".strip()


def _at_most(value: float | None, bar: float, unit: str = "") -> tuple[str, bool]:
    return number(value, unit), value is not None and value <= bar


def _cost(solo: Any, _: Measures) -> tuple[str, bool]:
    return _at_most(solo["ours"]["cpu_over_short"], 4, "×")


def _cost_to_naive(solo: Any, _: Measures) -> tuple[str, bool]:
    share = solo["ours_cpu_over_naive"]
    return f"1/{1 / share:.1f}" if share else "—", share <= 1 / 8


def _after_endpoint(solo: Any, _: Measures) -> tuple[str, bool]:
    return _at_most(solo["ours"]["after_endpoint_over_decode"]["p95"], 0.3, "×")


def _after_speech(bar_s: float) -> Callable[[Any, Measures], tuple[str, bool]]:
    def read(solo: Any, _: Measures) -> tuple[str, bool]:
        return _at_most(solo["ours"]["after_speech_s"]["p95"], bar_s, "s")

    return read


def held(search: Mapping[str, Any]) -> str:
    """Return how many sessions hold, as far as was looked."""
    return str(search["held"]) if search["broke"] is not None else f"{search['held']} or more"


def _sessions_to_naive(capacity: Any, _: Measures) -> tuple[str, bool | None]:
    ours, naive = capacity["ours"], capacity["naive"]
    said = f"{held(ours)}, naive {held(naive)}"
    if ours["held"] < 10 * max(1, naive["held"]):
        return said, None if ours["broke"] is None else False
    return said, None if naive["broke"] is None else True


def _sessions(capacity: Any, _: Measures) -> tuple[str, bool | None]:
    ours = capacity["ours"]
    if ours["held"] < MEMORISED_SESSIONS and ours["broke"] is None:
        return held(ours), None
    return held(ours), ours["held"] >= MEMORISED_SESSIONS


def _fair(capacity: Any, _: Measures) -> tuple[str, bool | None]:
    trial = saturated(capacity)
    if trial is None or trial["unfairness"] is None:
        return "no finals", False
    return f"{trial['unfairness']:.2f} with {trial['sessions']} sessions", trial["unfairness"] <= 2


def _overload(capacity: Any, _: Measures) -> tuple[str, bool]:
    return _loss(capacity["overload"])


def _loss(measure: Mapping[str, Any]) -> tuple[str, bool]:
    """Words are lost where no final covers them, and where one who speaks alone gets words that are missing here."""
    unheard = max(0, measure["unheard_words"] - measure["unheard_alone"])
    missing = measure["words_missing"]
    said = f"{unheard} of {measure['words']:,} words in no final; {missing} missing from texts; "
    said += f"{measure['sessions']} sessions" + ("" if measure["complete"] else ", not all of them ended")
    return said, measure["complete"] and unheard == 0 and missing == 0


def _words(words: Any, _: Measures) -> tuple[str, bool]:
    value, met = _at_most(words["wer_over_offline"], 1.05, "×")
    return f"{value} ({words['wer']:.1%} / {min(words['offline_wer'], words['padded_wer']):.1%})", met


def _words_reported(words: Any, everything: Measures) -> tuple[str, None]:
    return _words(words, everything)[0], None


def _padding(padding: Any, _: Measures) -> tuple[str, bool]:
    pads = [row["pad_s"] for row in padding["pads"]]
    return f"{len(pads)} pads, {min(pads):g} to {max(pads):g} s", min(pads) <= 0.16 and max(pads) >= 26


def _no_words(nonspeech: Any, _: Measures) -> tuple[str, bool | None]:
    sounds = ("silence", "noise", "tones", "clicks")
    words = {sound: nonspeech[sound]["words"] for sound in sounds}
    said = ", ".join(f"{sound} {count}" for sound, count in words.items())
    good = all(nonspeech[sound]["complete"] for sound in sounds) and not any(words.values())
    return f"{said} ({nonspeech['seconds'] / 60:g} min each)", _if_enough(good, nonspeech["seconds"] >= 600)


def _idle(nonspeech: Any, _: Measures) -> tuple[str, bool]:
    share = nonspeech["idle"]["share_of_core"]
    return f"{share:.2%}", share <= 0.01


def _kills(kills: Any, _: Measures) -> tuple[str, bool | None]:
    said, lost_none = _loss(kills)
    return f"{said}, {kills['kills']} kills", _if_enough(lost_none, kills["kills"] >= 10 and kills["sessions"] >= 20)


def _kills_heard(kills: Any, measures: Measures) -> tuple[str, bool | None]:
    """What such a model makes of a window hangs on its promises, and these on when partials came: audio counts."""
    said, _ = _kills(kills, measures)
    heard_all = kills["complete"] and kills["unheard_words"] <= kills["unheard_alone"]
    return said, _if_enough(heard_all, kills["kills"] >= 10 and kills["sessions"] >= 20)


def _if_enough(good: bool, was_enough: bool) -> bool | None:  # noqa: FBT001 - two findings, not options
    """A fault counts however little was measured; what went well says nothing before it was enough."""
    return good if was_enough or not good else None


BARS: tuple[_Bar, ...] = (
    _Bar(what="streaming CPU / offline short-window decode", bar="≤ 4 ×", needs="solo", read=_cost, of_tiny=True),
    _Bar(what="streaming CPU / naive", bar="≤ 1/8", needs="solo", read=_cost_to_naive),
    _Bar(
        what="final − end of speech, one session, p95",
        bar="≤ 0.5 s",
        needs="solo",
        read=_after_speech(0.5),
        memorised=False,
    ),
    _Bar(
        what="final − end of speech, one session, p95",
        bar=f"≤ {MEMORISED_DELAY_S} s",
        needs="solo",
        read=_after_speech(MEMORISED_DELAY_S),
        memorised=True,
    ),
    _Bar(
        what="(final − endpoint) / one offline decode, p95",
        bar="≤ 0.3 ×",
        needs="solo",
        read=_after_endpoint,
        of_tiny=True,
    ),
    _Bar(what="sessions at p95 ≤ 0.5 s", bar="≥ 10 × naive", needs="capacity", read=_sessions_to_naive),
    _Bar(what="sessions at p95 ≤ 0.5 s", bar="≥ 16", needs="capacity", read=_sessions, memorised=True),
    _Bar(what="worst / median session at saturation", bar="≤ 2", needs="capacity", read=_fair),
    _Bar(what="words lost at 3 × overload", bar="0", needs="capacity", read=_overload),
    _Bar(what="streaming WER / offline WER", bar="≤ 1.05 ×", needs="words", read=_words, memorised=False),
    _Bar(what="streaming WER / offline WER", bar="none", needs="words", read=_words_reported, memorised=True),
    _Bar(what="tail-pad sweep", bar="0.16 … 26 s", needs="padding", read=_padding),
    _Bar(what="words in silence, noise, tones, clicks", bar="0 in 10 minutes", needs="nonspeech", read=_no_words),
    _Bar(what="CPU of a silent session, of a core", bar="≤ 1 %", needs="nonspeech", read=_idle),
    _Bar(
        what="words lost when the engine is killed",
        bar="0 (20 sessions, 10 kills)",
        needs="kills",
        read=_kills,
        memorised=False,
    ),
    _Bar(
        what="words in no final when the engine is killed",
        bar="0 (20 sessions, 10 kills)",
        needs="kills",
        read=_kills_heard,
        memorised=True,
    ),
)
