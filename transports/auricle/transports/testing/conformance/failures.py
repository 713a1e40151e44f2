"""The exceptions that end a check that does not pass."""


class Failed(Exception):
    """The server broke a rule. The message is one sentence."""


class Gone(Failed):
    """The server has closed the connection."""


class NotApplicable(Exception):
    """The check does not apply to the server. The message gives the reason."""


def require(condition: object, why: str) -> None:
    """Raise `Failed` with the sentence ``why`` unless the condition holds."""
    if not condition:
        raise Failed(why)
