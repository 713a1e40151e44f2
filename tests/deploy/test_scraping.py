"""How Prometheus finds the servers and gets in: its configuration, its operator's, and the adapter's rule."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from auricle.server.http.authorisation import OPERATOR_PATHS
from auricle.server.metrics.routes import PATH
from deploy.linters import DEPLOY

FOLDER = DEPLOY / "prometheus"


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


CONFIGURATION = read("prometheus/prometheus.yaml")
MONITOR = read("prometheus/pod-monitor.yaml")
ADAPTER = read("prometheus/adapter.yaml")
POD = read("kubernetes/deployment.yaml")["spec"]["template"]
JOBS = set(re.findall(r'job="(\w+)"', (FOLDER / "alerts.yaml").read_text(encoding="utf-8")))
"""By which alerts know the servers."""


def test_who_asks_for_the_metrics_brings_a_key() -> None:
    assert PATH in OPERATOR_PATHS
    (job,) = CONFIGURATION["scrape_configs"]
    assert job["authorization"]["credentials_file"]
    (endpoint,) = MONITOR["spec"]["podMetricsEndpoints"]
    assert endpoint["authorization"]["credentials"].keys() == {"name", "key"}
    annotations = POD["metadata"].get("annotations", {})
    assert not [name for name in annotations if name.startswith("prometheus.io/")], "who is led by these has no key"


def test_alerts_know_the_servers_by_their_job() -> None:
    (job,) = CONFIGURATION["scrape_configs"]
    assert {job["job_name"]} == JOBS
    assert {POD["metadata"]["labels"][MONITOR["spec"]["jobLabel"]]} == JOBS
    assert all((FOLDER / name).is_file() for name in CONFIGURATION["rule_files"])


def test_the_monitor_finds_the_pods() -> None:
    (endpoint,) = MONITOR["spec"]["podMetricsEndpoints"]
    (container,) = POD["spec"]["containers"]
    assert endpoint["port"] in [port["name"] for port in container["ports"]]
    assert endpoint["path"] == PATH
    assert MONITOR["spec"]["selector"]["matchLabels"] == POD["metadata"]["labels"]


def test_the_adapter_has_the_metric_that_pods_are_scaled_by() -> None:
    (metric,) = read("kubernetes/horizontal-pod-autoscaler.yaml")["spec"]["metrics"]
    (rule,) = ADAPTER["rules"]
    assert rule["name"]["as"] == metric["pods"]["metric"]["name"]
    assert rule["seriesQuery"].partition("{")[0] == rule["name"]["as"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed: apt install prometheus")
def test_promtool_reads_the_configuration() -> None:
    command = ["promtool", "check", "config", "--syntax-only", str(FOLDER / "prometheus.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
