"""Text that only ever appends, for services that send pieces of it: from promised prefixes, and from finals."""

from dataclasses import dataclass, replace
from typing import Final

from auricle.core.messages import Final as FinalMessage
from auricle.core.parts import Word

UNSPACED: Final = frozenset({"zh", "ja", "yue", "th", "lo", "km", "my"})
"""Languages that put no space between words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingText:
    """What has been heard of one utterance or more, and what of it has been told."""

    text: str = ""
    """The finals so far."""
    told: str = ""
    """What has been sent, in pieces."""
    words: tuple[Word, ...] = ()
    languages: tuple[str, ...] = ()

    def heard(self, text: str, stable: int) -> "tuple[GrowingText, str]":
        """Take a partial, of which ``text[:stable]`` is promised; return the new piece, which may be empty."""
        promised = text[:stable].rstrip()
        return self._grown(self._with(promised, None)) if promised else (self, "")

    def decided(self, final: FinalMessage) -> "tuple[GrowingText, str]":
        """Take a final; return the new piece, which may be empty."""
        spoken = final.text.strip()
        text = self._with(spoken, final.language) if spoken else self.text
        named = () if final.language is None or final.language in self.languages else (final.language,)
        words = (*self.words, *(final.words or ()))
        return replace(self, text=text, words=words, languages=(*self.languages, *named))._grown(text)

    def _with(self, text: str, language: str | None) -> str:
        if not self.text:
            return text
        return f"{self.text}{'' if language in UNSPACED else ' '}{text}"

    def _grown(self, text: str) -> "tuple[GrowingText, str]":
        if len(text) <= len(self.told) or not text.startswith(self.told):
            return self, ""
        return replace(self, told=text), text[len(self.told) :]
