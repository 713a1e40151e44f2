"""The image and its compose file, by what linters and schemas say: the tests have no container runtime."""

import re
from pathlib import PurePosixPath

import pytest
import yaml

from deploy.linters import DEPLOY, DRAIN_S, ROOT, lint

DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_the_dockerfile_is_linted() -> None:
    assert lint("hadolint", DEPLOY / "Dockerfile") == ""


def test_the_compose_file_is_what_the_specification_allows() -> None:
    lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_all_yaml_is_linted() -> None:
    lint("yamllint", "--strict", DEPLOY)


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [
        source for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for source in line.split()
    ]
    assert copied
    assert not [source for source in copied if not (ROOT / source).exists() or f"!{source}" not in ignored]


def test_it_runs_as_nobody_in_particular_and_is_looked_after() -> None:
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*\n.*/healthz", DOCKERFILE, re.MULTILINE)
    assert DOCKERFILE.index("USER 10001") < DOCKERFILE.index("ENTRYPOINT")


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_a_container_gets_the_time_for_its_drain_and_no_rights(service: str) -> None:
    configured = COMPOSE["services"][service]
    assert float(configured["stop_grace_period"].removesuffix("s")) > DRAIN_S
    assert configured["cap_drop"] == ["ALL"]
    assert configured["read_only"] is True
    assert all(port.startswith("127.0.0.1:") for port in configured["ports"])


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_keys_are_mounted_as_a_folder_so_that_changes_are_seen(service: str) -> None:
    (keys_file,) = re.findall(r"AURICLE_KEYS_FILE=(\S+)", DOCKERFILE)
    places = [volume.split(":")[1] for volume in COMPOSE["services"][service]["volumes"]]
    assert str(PurePosixPath(keys_file).parent) in places
    assert not [place for place in places if PurePosixPath(place).suffix], "a file that is replaced stays the old one"


def test_what_is_counted_is_kept_in_the_volume() -> None:
    (usage_file,) = re.findall(r"AURICLE_USAGE_FILE=(\S+)", DOCKERFILE)
    (volume,) = re.findall(r"^VOLUME (\S+)$", DOCKERFILE, re.MULTILINE)
    assert PurePosixPath(usage_file).is_relative_to(volume)


def test_a_variant_has_its_requirements() -> None:
    variants = {"cpu", *(each["build"].get("args", {}).get("VARIANT", "cpu") for each in COMPOSE["services"].values())}
    assert variants == {"cpu", "cuda"}
    assert all((DEPLOY / "requirements" / f"{variant}.txt").is_file() for variant in variants)
