"""Text that was promised as stable stays: no engine, and no cut in the middle of a word, may take it back (O5)."""


def keep_stable_prefix(promised: str, text: str) -> str:
    """Return ``text`` if it begins with ``promised``; otherwise ``promised``, and the words ``text`` has beyond it."""
    if text.startswith(promised):
        return text
    beyond = text.split()[len(promised.split()) :]
    return " ".join([promised.rstrip(), *beyond]) if beyond else promised
