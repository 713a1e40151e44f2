"""The error of options that a command cannot do with."""


class OptionError(Exception):
    """An option, or what it names, cannot be used. The message is one sentence with the remedy."""
