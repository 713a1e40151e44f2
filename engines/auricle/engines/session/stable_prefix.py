"""Text that a stateful engine called stable stays: neither it nor a cut in the middle of a word takes it back (O5)."""

from auricle.engines.policy.agreement import covered_by


def keep_stable_prefix(promised: str, text: str) -> str:
    """Return ``text`` if it begins with ``promised``; otherwise ``promised``, and the words ``text`` has behind it."""
    if text.startswith(promised):
        return text
    words = text.split()
    beyond = words[covered_by(promised.split(), words) :]
    return " ".join([promised.rstrip(), *beyond]) if beyond else promised
