"""From the effective settings to the value that a server is made from."""

import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from auricle.engines.fallback import Isolation
from auricle.server.keys.api_key import Keyring
from auricle.server.server_config import ServerConfig
from auricle.server.settings.effective import Effective
from auricle.server.settings.schema import SETTINGS

Config = TypeVar("Config")
ELSEWHERE: Final = frozenset(
    {
        "tls_cert", "tls_key", "tls_self_signed", "log_level", "log_format", "keys_file", "insecure",
        "engine_workers", "max_engine_workers",
    }
)  # fmt: skip
"""Settings that are no field of `ServerConfig` by themselves: they name files, or have to be made sense of first."""


def server_config(settings: Effective, tls: ssl.SSLContext | None = None, keys: Keyring | None = None) -> ServerConfig:
    """Return the configuration that the settings make; ``tls`` and ``keys`` are what was in their files."""
    values: dict[str, Any] = {
        setting.field: settings.value(name) for name, setting in SETTINGS.items() if name not in ELSEWHERE
    }  # fmt: skip
    values["engine_isolation"] = Isolation(str(values["engine_isolation"]))
    return with_fields(ServerConfig(tls=tls, keys=keys), values)


def with_fields(config: Config, values: Mapping[str, Any]) -> Config:
    """Return a dataclass with other values; the name of a field of one of its parts has a dot before it."""
    changed: dict[str, Any] = {name: value for name, value in values.items() if "." not in name}
    for part in {name.partition(".")[0] for name in values if "." in name}:
        inner = {name.partition(".")[2]: value for name, value in values.items() if name.startswith(f"{part}.")}
        changed[part] = with_fields(getattr(config, part), inner)
    return replace(config, **changed)  # type: ignore[type-var]  # a test holds every target to a field
