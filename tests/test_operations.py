"""What operators get agrees with the code, both ways: the page of metrics, the alert rules and the dashboard."""

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml
from operations.dashboard import COLUMNS
from operations.metrics_tables import BEGIN, END, with_tables
from prometheus_client.parser import text_string_to_metric_families
from render_operations import main, rendered

from auricle.server.metrics.catalogue import LABELS, METRICS, PROCESS, Kind, Metric
from auricle.server.metrics.registry import ServerMetrics
from auricle.server.metrics.scrape import ModelReading, Reading

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
RULES = [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "auricle.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [pytest.param(t["expr"], id=f"{p['title']}, {t['refId']}") for p in PANELS for t in p["targets"]]
FROM_PROMETHEUS = {"up": Metric("up", Kind.GAUGE, "Of Prometheus itself.")}
SCRAPED_WITH = {"job", "instance", "le"}
"""Labels that Prometheus adds, and that of buckets."""


def samples_of(metric: Metric) -> Iterator[str]:
    if metric.kind is Kind.HISTOGRAM:
        yield from (f"{metric.name}_{part}" for part in ("bucket", "sum", "count"))
    else:
        yield metric.name


KNOWN = {name: metric for metric in (*METRICS, *PROCESS) for name in samples_of(metric)} | FROM_PROMETHEUS


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """Return what an expression asks for. Raises `ValueError` where it is no PromQL."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
            if (child := getattr(node, name, None)) is not None:
                visit(child)
        args = getattr(node, "args", ())
        for child in args if isinstance(args, list | tuple) else ():
            visit(child)

    visit(promql_parser.parse(expression.replace("$__rate_interval", "5m").replace("$instance", "any")))
    return found


def check(expression: str) -> None:
    asked = selectors(expression)
    assert asked, "an expression that asks for nothing"
    labels = set(SCRAPED_WITH)
    for selector in asked:
        assert selector.name in KNOWN, f"there is no metric {selector.name}"
        own = {*KNOWN[selector.name].labels, *SCRAPED_WITH}
        for matcher in selector.matchers.matchers:
            assert matcher.name in own, f"{selector.name} has no label {matcher.name}"
            values = LABELS.get(matcher.name)
            if values is not None:
                assert set(matcher.value.split("|")) <= set(values), matcher.value
        labels |= own
    for group in re.findall(r"\bby \(([^)]*)\)", expression):
        assert {label.strip() for label in group.split(",")} <= labels


def test_what_is_rendered_is_up_to_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    for name, text in rendered(ROOT).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text.replace("auricle_sessions", "auricle_seances", 1), encoding="utf-8")
    assert main(["--check"], tmp_path) == 1
    assert "docs/metrics.md is stale" in capsys.readouterr().err
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0


def test_a_page_without_a_place_for_the_tables_is_not_written() -> None:
    with pytest.raises(ValueError, match="no place for the tables"):
        with_tables("# Metrics")


def test_every_metric_of_the_page_exists_and_the_other_way_round() -> None:
    tables = PAGE.partition(BEGIN)[2].partition(END)[0]
    listed = re.findall(r"^\| `((?:auricle|process)_\w+)` \|", tables, re.MULTILINE)
    assert listed == [metric.name for metric in (*METRICS, *PROCESS)]
    said = set(re.findall(r"\bauricle_[a-z_]+", PAGE))
    assert said <= {name for metric in METRICS for name in (metric.name, *samples_of(metric))}


def test_a_server_tells_the_metrics_of_the_catalogue_and_no_others() -> None:
    metrics = ServerMetrics()
    metrics.scrape(lambda: Reading("1", ready=True, draining=False, uptime_s=1.0, models=()))
    text = metrics.exposition("")[0].decode()
    told = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    expected = {metric.name: metric.kind.value for metric in (*METRICS, *PROCESS)}
    assert told.items() >= {name: kind for name, kind in expected.items() if name.startswith("auricle")}.items()
    assert told.keys() <= expected.keys()
    helps = dict(re.findall(r"^# HELP (\w+) (.+)$", text, re.MULTILINE))
    assert {metric.name: metric.help for metric in METRICS} == {
        name: text for name, text in helps.items() if name.startswith("auricle")
    }


def test_what_alerts_wait_for_to_grow_is_there_before_it_does() -> None:
    model = ModelReading("tiny.en", None, True, 0, 0, None, None, None, None)
    metrics = ServerMetrics()
    metrics.scrape(lambda: Reading("1", ready=True, draining=False, uptime_s=1.0, models=(model,)))
    for _ in range(2):  # the first scrape is what tells of the model
        text = metrics.exposition("")[0].decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    grown = re.compile(r"\bincrease\((\w+)(\{[^}]*\})?\[|\brate\((auricle_(?:decode_failures|disbelieved)\w+)")
    found = [match for rule in RULES for match in grown.finditer(str(rule["expr"]))]
    assert len(found) == 5
    for name, matchers, rated in (match.groups() for match in found):
        wanted = re.findall(r'(\w+)=~?"([^"]*)"', matchers or "")
        for values in itertools.product(*([(label, value) for value in text.split("|")] for label, text in wanted)):
            there = [sample for sample in samples if sample.name == (name or rated)]
            assert any(dict(values).items() <= sample.labels.items() for sample in there), (name or rated, values)


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_asks_for_what_there_is_and_says_what_to_do(rule: dict[str, object]) -> None:
    check(str(rule["expr"]))
    labels, notes = rule["labels"], rule["annotations"]
    assert isinstance(labels, dict)
    assert isinstance(notes, dict)
    assert labels["severity"] in ("warning", "critical")
    assert len(str(notes["runbook"])) > 40
    assert notes["summary"]
    used = set(re.findall(r"\$labels\.(\w+)", str(notes["summary"])))
    assert used <= SCRAPED_WITH | {label for each in selectors(str(rule["expr"])) for label in KNOWN[each.name].labels}


def test_every_alert_has_a_paragraph_and_the_other_way_round() -> None:
    paragraphs = re.findall(r"^\* \*\*(Auricle\w+)\*\*:", PAGE, re.MULTILINE)
    assert paragraphs == [rule["alert"] for rule in RULES]


@pytest.mark.parametrize("expression", QUERIES)
def test_a_panel_asks_for_what_there_is(expression: str) -> None:
    check(expression)


def test_every_metric_is_on_the_dashboard() -> None:
    asked = {selector.name for panel in PANELS for t in panel["targets"] for selector in selectors(t["expr"])}
    missing = [metric.name for metric in METRICS if not asked & set(samples_of(metric))]
    assert not missing


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in
                 range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.mark.parametrize("wrong", ["sum(", "auricle_nothing", 'auricle_sessions{colour="red"}', "sum by (colour) (up)"])
def test_the_checks_would_notice(wrong: str) -> None:
    with pytest.raises((ValueError, AssertionError)):
        check(wrong)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed: apt install prometheus")
def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    done = subprocess.run(["promtool", "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
