"""``auricle config``: the effective settings, and where each value comes from."""

import json

from auricle.server.settings.effective import Effective


def print_settings(settings: Effective, *, as_json: bool, explains: bool) -> None:
    """Print the settings as a file that would say the same, or as a JSON object."""
    if as_json:
        print(json.dumps(settings.as_document(), indent=2, ensure_ascii=False))
    else:
        print(settings.as_toml(explains=explains), end="")
