"""The manifests, against the schemas of Kubernetes and against what the server does."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
import yaml
from reference import endpoints

from deploy.linters import DEPLOY, DRAIN_S, lint

FOLDER = DEPLOY / "kubernetes"
MANIFESTS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.yaml")}
POD = MANIFESTS["deployment"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


def test_they_are_valid() -> None:
    resources = [FOLDER / f"{name}.yaml" for name in MANIFESTS if name != "kustomization"]
    lint("kubernetes-validate", "--strict", *resources)
    assert sorted(MANIFESTS["kustomization"]["resources"]) == sorted(path.name for path in resources)


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_a_probe_asks_for_what_there_is(probe: str) -> None:
    asked = CONTAINER[probe]["httpGet"]
    assert f"GET {asked['path']}" in endpoints.present()
    assert asked["port"] in [port["name"] for port in CONTAINER["ports"]]
    # A pod whose model is loaded or started anew is not dead.
    assert (asked["path"] == "/healthz") == (probe == "livenessProbe")


def test_a_pod_gets_the_time_for_its_drain() -> None:
    _, waits_s = CONTAINER["lifecycle"]["preStop"]["exec"]["command"]
    assert POD["terminationGracePeriodSeconds"] >= float(waits_s) + DRAIN_S + 5
    assert MANIFESTS["deployment"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_a_pod_has_no_rights_and_no_variables_of_services() -> None:
    assert POD["enableServiceLinks"] is False
    assert POD["automountServiceAccountToken"] is False
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"] is True
    assert CONTAINER["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {mount["mountPath"] for mount in CONTAINER["volumeMounts"] if not mount.get("readOnly")} == {
        "/var/cache/auricle",
        "/tmp",
    }


def test_they_are_about_the_same_pods() -> None:
    labels = MANIFESTS["deployment"]["spec"]["template"]["metadata"]["labels"]
    selectors: list[Any] = [
        MANIFESTS["deployment"]["spec"]["selector"]["matchLabels"],
        MANIFESTS["service"]["spec"]["selector"],
        MANIFESTS["pod-disruption-budget"]["spec"]["selector"]["matchLabels"],
    ]
    assert all(selector == labels for selector in selectors)
    target = MANIFESTS["horizontal-pod-autoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", MANIFESTS["deployment"]["metadata"]["name"])


if find_spec("auricle.server.metrics"):

    def test_the_autoscaler_goes_by_a_metric_of_ours() -> None:
        catalogue = import_module("auricle.server.metrics.catalogue")
        (metric,) = MANIFESTS["horizontal-pod-autoscaler"]["spec"]["metrics"]
        assert metric["pods"]["metric"]["name"] in {each.name for each in catalogue.METRICS}
