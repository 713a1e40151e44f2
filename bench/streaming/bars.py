"""What has to be reached, and whether a results file says that it was. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Measures = Mapping[str, Any]
ENOUGH_VALUES = 50
"""Behind a 95th percentile: fewer say nothing."""
LIKE_OFFLINE = 1.15
"""A delay is met with words only that are nearly as right as offline: so many times its errors, at most."""

SLOWEST_FINAL_S = {0.2: 0.4, 0.5: 0.65}
"""p95 of final − end of speech with one session, at most, by the silence that ends an utterance."""


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


def verdicts(results: Mapping[str, Any]) -> list[Verdict]:
    """Return every bar of a results file."""
    measures: Measures = results["measures"]
    return [_judge(bar, measures) for bar in BARS]


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
    trials: Sequence[Mapping[str, Any]] = capacity["ours"]["trials"]
    holding = {trial["sessions"] for trial in trials if trial["held"]}
    broke = [trial for trial in trials if trial["sessions"] not in holding]
    if broke:
        return min(broke, key=lambda trial: trial["sessions"])
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
    return _at_most(solo["ours"]["cpu_over_padded"], 2, "×")


def _cost_to_naive(solo: Any, _: Measures) -> tuple[str, bool]:
    share = solo["ours_cpu_over_naive"]
    return f"1/{1 / share:.1f}" if share else "—", share <= 1 / 8


def _after_endpoint(solo: Any, _: Measures) -> tuple[str, bool | None]:
    spread = solo["ours"]["after_endpoint_over_decode"]
    value, met = _at_most(spread["p95"], 1, "×")
    return f"{value} of {spread['n']}", _if_enough(met, spread["n"] >= ENOUGH_VALUES)


def _after_speech(solo: Any, _: Measures) -> tuple[str, bool | None]:
    spread, words = solo["ours"]["after_speech_s"], solo["ours"]["wer"]
    most_s = SLOWEST_FINAL_S.get(solo["silence_s"])
    if most_s is None:
        return f"{number(spread['p95'], 's')} at {solo['silence_s']:g} s of silence, which has no bar", None
    value, is_soon = _at_most(spread["p95"], most_s, "s")
    met = is_soon and words <= LIKE_OFFLINE * solo["offline"]["wer"]
    said = f"{value} of {spread['n']} at {solo['silence_s']:g} s, at a WER of {words:.1%}"
    said += f" (offline {solo['offline']['wer']:.1%})"
    return said, _if_enough(met, spread["n"] >= ENOUGH_VALUES)


def held(search: Mapping[str, Any]) -> str:
    """Return how many sessions hold, as far as was looked."""
    return str(search["held"]) if search["broke"] is not None else f"{search['held']} or more"


def _sessions_to_naive(capacity: Any, _: Measures) -> tuple[str, bool | None]:
    ours, naive = capacity["ours"], capacity["naive"]
    said = f"{held(ours)}{_at_wer(ours)}, naive {held(naive)}{_at_wer(naive)}"
    if ours["held"] < 10 * max(1, naive["held"]):
        return said, None if ours["broke"] is None else False
    return said, None if naive["broke"] is None else True


def _at_wer(search: Mapping[str, Any]) -> str:
    """Return the error rate at the most sessions that hold."""
    rates = [trial["wer"] for trial in search["trials"] if trial["held"] and trial["sessions"] == search["held"]]
    return f" at a WER of {rates[-1]:.1%}" if rates else ""


def _words_of_many(capacity: Any, _: Measures) -> tuple[str, bool | None]:
    trial = saturated(capacity)
    if trial is None:
        return "no trial", None
    said = f"{trial['wer']:.1%} with {trial['sessions']} sessions (offline {trial['offline_wer']:.1%})"
    return said, trial["wer"] <= LIKE_OFFLINE * trial["offline_wer"]


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


def _if_enough(good: bool, was_enough: bool) -> bool | None:  # noqa: FBT001 - two findings, not options
    """A fault counts however little was measured; what went well says nothing before it was enough."""
    return good if was_enough or not good else None


BARS: tuple[_Bar, ...] = (
    _Bar(what="streaming CPU / faster-whisper offline, beam 5, 30 s", bar="≤ 2 ×", needs="solo", read=_cost),
    _Bar(what="streaming CPU / naive", bar="≤ 1/8", needs="solo", read=_cost_to_naive),
    _Bar(
        what="final − end of speech, one session, p95",
        bar=", ".join(f"≤ {most_s:g} s at {silence_s:g} s" for silence_s, most_s in SLOWEST_FINAL_S.items()),
        needs="solo",
        read=_after_speech,
    ),
    _Bar(what="(final − endpoint) / one offline decode, p95", bar="≤ 1 ×", needs="solo", read=_after_endpoint),
    _Bar(what="sessions at p95 ≤ 1 s", bar="≥ 10 × naive", needs="capacity", read=_sessions_to_naive),
    _Bar(what="WER at saturation / offline WER", bar="≤ 1.15 ×", needs="capacity", read=_words_of_many),
    _Bar(what="worst / median session at saturation", bar="≤ 2", needs="capacity", read=_fair),
    _Bar(what="words lost at 3 × overload", bar="0", needs="capacity", read=_overload),
    _Bar(what="streaming WER / offline WER", bar="≤ 1.05 ×", needs="words", read=_words),
    _Bar(what="tail-pad sweep", bar="0.16 … 26 s", needs="padding", read=_padding),
    _Bar(what="words in silence, noise, tones, clicks", bar="0 in 10 minutes", needs="nonspeech", read=_no_words),
    _Bar(what="CPU of a silent session, of a core", bar="≤ 1 %", needs="nonspeech", read=_idle),
    _Bar(what="words lost when the engine is killed", bar="0 (20 sessions, 10 kills)", needs="kills", read=_kills),
)
