"""The stable prefix of a stateful engine's text: once a partial has marked text as stable, no later result changes it.

This holds also where the engine revises that text, or a cut falls in the middle of a word. Source: guarantee O5.
"""

from auricle.engines.policy.agreement import covered_by


def keep_stable_prefix(stable_prefix: str, text: str) -> str:
    """Return ``text`` if it begins with ``stable_prefix``; else the prefix and the words of ``text`` after it."""
    if text.startswith(stable_prefix):
        return text
    words = text.split()
    following = words[covered_by(stable_prefix.split(), words) :]
    return " ".join([stable_prefix.rstrip(), *following]) if following else stable_prefix
