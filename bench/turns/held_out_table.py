"""The table of rules that are chosen on some clips and judged on others."""

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import mean, median

from auricle.engines.turn_taking.decision import TurnRules
from turns.answers import Answer
from turns.held_out import Verdict, both_ways, chosen, halved_at_random, halved_by_speaker, judged, together

HEAD = (
    "| rules | judged on | whole | ends: silence p50 | p95 | mean | stops: p50 | p95 |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|"
)
TIMES = 20
"""How often clips are halved at random."""


def held_out_rows(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield the rows: the defaults, silence alone, and what is chosen without the clips that it is judged on."""
    one_half_s = TurnRules(over_s=0.5, unknown_s=0.5, longest_s=0.5, threshold=0.0)
    yield _row("silence alone, 0.5 s", "all", judged(one_half_s, answers))
    yield _row(f"the defaults ({said(TurnRules())})", "all", judged(TurnRules(), answers))
    reader = frozenset(name for name, _ in Counter(one.speaker for one in answers).most_common(1))
    one, others = halved_by_speaker(answers, reader)
    name = " ".join(reader)
    yield _row(f"chosen on {name} ({said(chosen(one))})", "the others", judged(chosen(one), others))
    yield _row(f"chosen on the others ({said(chosen(others))})", name, judged(chosen(others), one))
    halves = list(halved_at_random(answers, TIMES))
    both = together([both_ways(half) for half in halves])
    yield _row(f"chosen on random halves, {TIMES} times", "the other halves", both)
    settings = Counter(said(chosen(side)) for half in halves for side in half)
    yield "\nWhat the halves chose: " + ", ".join(f"{rules} ({count})" for rules, count in settings.most_common()) + "."


def said(rules: TurnRules) -> str:
    """Return rules in short."""
    return f"{rules.threshold:g}, {rules.over_s:g} s, {rules.longest_s:g} s"


def _row(rules: str, judged_on: str, verdict: Verdict) -> str:
    whole = f"{100 * verdict.share:.0f} % of {verdict.with_breaths}"
    average = f"{mean(verdict.ends):.2f} s" if verdict.ends else "-"
    return (
        f"| {rules} | {judged_on} | {whole} | {_percentile(verdict.ends, 0.5)} | {_percentile(verdict.ends, 0.95)} "
        f"| {average} | {_percentile(verdict.stops, 0.5)} | {_percentile(verdict.stops, 0.95)} |"
    )


def _percentile(values: Sequence[float], share: float) -> str:
    if not values:
        return "-"
    ordered = sorted(values)
    at = median(ordered) if share == 0.5 else ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
    return f"{at:.2f} s"
