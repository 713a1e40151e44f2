"""How a check ends that does not pass."""


class Failed(Exception):
    """The server broke a rule. The message is one sentence."""


class Gone(Failed):
    """The server has closed the connection."""


class NotApplicable(Exception):
    """The server cannot be asked this. The message says why."""


def require(condition: object, why: str) -> None:
    """Raise `Failed` with this sentence unless the condition holds."""
    if not condition:
        raise Failed(why)
