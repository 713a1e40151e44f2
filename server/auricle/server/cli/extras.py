"""How to install an extra: from the checkout, as the README does, for Auricle is on no package index."""


def install_command(extra: str) -> str:
    """Return the command that installs an extra of Auricle."""
    return f"pip install -e '.[{extra}]'"


def how_to_install(extra: str) -> str:
    """Return the same as a clause of a sentence."""
    return f"run `{install_command(extra)}` in the checkout of Auricle"
