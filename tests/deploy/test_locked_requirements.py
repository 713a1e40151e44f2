"""What the image is made of: exact versions with hashes, of all that the extras ask for."""

import re
import tomllib

import lock_requirements
import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = lock_requirements.ROOT
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
VARIANTS = pytest.mark.parametrize("variant", lock_requirements.EXTRAS)


def locked(variant: str) -> dict[str, str]:
    text = (lock_requirements.FOLDER / f"{variant}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def asked(extra: str) -> set[Requirement]:
    """What an extra asks for, those that it refers to included."""
    found = set()
    for line in EXTRAS[extra]:
        requirement = Requirement(line)
        if requirement.name == "auricle":
            found |= {each for other in requirement.extras for each in asked(other)}
        elif requirement.marker is None or requirement.marker.evaluate(dict(default_environment())):
            found.add(requirement)
    return found


@VARIANTS
def test_all_that_is_asked_for_is_locked_as_it_is_asked_for(variant: str) -> None:
    versions = locked(variant)
    for requirement in {each for extra in lock_requirements.EXTRAS[variant] for each in asked(extra)}:
        version = versions[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement}: run 'python tools/lock_requirements.py'"


@pytest.mark.parametrize("variant", ["build", *lock_requirements.EXTRAS])
def test_each_version_has_hashes_and_comes_from_an_index(variant: str) -> None:
    text = (lock_requirements.FOLDER / f"{variant}.txt").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(locked(variant)) > 0
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert "auricle" not in locked(variant)
    assert "://" not in text


def test_cuda_is_the_one_difference() -> None:
    more = locked("cuda").keys() - locked("cpu").keys()
    assert locked("cpu").items() <= locked("cuda").items()
    assert more
    assert all(name.startswith("nvidia-") for name in more)
