"""The table of rules that are chosen on some clips and judged on others."""

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import mean, median

from auricle.engines.turn_taking.decision import TurnRules
from turns.answers import Answer
from turns.held_out import Verdict, both_ways, chosen, halved_at_random, halved_by_speaker, judged, together

HEAD = (
    "| rules | judged on | breaths cut | whole | ends: silence p50 | p95 | mean | stops: p50 | p95 |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|--:|"
)
FIXED = (
    TurnRules(over_s=0.5, unknown_s=0.5, longest_s=0.5),
    TurnRules(),
    *(TurnRules(longest_s=longest_s) for longest_s in (0.8, 1.2, 2.0)),
    *(TurnRules(over_s=over_s) for over_s in (0.3, 0.4)),
)
"""Silence alone, the defaults, and what is beside them."""
TIMES = 20
"""How often clips are halved at random."""


def held_out_rows(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield the rows: silence alone, the defaults, and what is chosen without the clips that it is judged on."""
    reader = frozenset(name for name, _ in Counter(one.speaker for one in answers).most_common(1))
    one, others = halved_by_speaker(answers, reader)
    name = " ".join(reader)
    for fixed in FIXED:
        for judged_on, side in ((name, one), ("the others", others)):
            yield _row(said(fixed), judged_on, judged(fixed, side))
    yield _row(f"chosen on {name} ({said(chosen(one))})", "the others", judged(chosen(one), others))
    yield _row(f"chosen on the others ({said(chosen(others))})", name, judged(chosen(others), one))
    halves = list(halved_at_random(answers, TIMES))
    both = together([both_ways(half) for half in halves])
    yield _row(f"chosen on random halves, {TIMES} times", "the other halves", both)
    settings = Counter(said(chosen(side)) for half in halves for side in half)
    yield "\nWhat the halves chose: " + ", ".join(f"{rules} ({count})" for rules, count in settings.most_common()) + "."


def said(rules: TurnRules) -> str:
    """Return rules in short."""
    if rules.over_s == rules.longest_s:
        return f"silence alone, {rules.over_s:g} s"
    return f"{rules.threshold:g}, {rules.over_s:g} s, {rules.longest_s:g} s"


def _row(rules: str, judged_on: str, verdict: Verdict) -> str:
    cut = f"{100 * verdict.cut_share:.0f} % of {verdict.breaths}"
    whole = f"{100 * verdict.whole_share:.0f} % of {verdict.with_breaths}"
    average = f"{mean(verdict.ends):.2f} s" if verdict.ends else "-"
    ends, stops = _percentiles(verdict.ends), _percentiles(verdict.stops)
    return f"| {rules} | {judged_on} | {cut} | {whole} | {ends} | {average} | {stops} |"


def _percentiles(values: Sequence[float]) -> str:
    """Return the median, and the 95th percentile."""
    if not values:
        return "- | -"
    ordered = sorted(values)
    return f"{median(ordered):.2f} s | {ordered[round(0.95 * (len(ordered) - 1))]:.2f} s"
