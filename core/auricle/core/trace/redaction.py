"""Redaction of secrets in traces: tokens and keys become placeholders, the same one wherever a secret occurs.

A value is secret by the name it goes by (``token``, ``resume_token``, ``api_key`` …), be it an argument, a field of the
snapshot or a key in a frame. What has been secret once is replaced in every text after that, and in the same line.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from auricle.core.trace.values import parse_json

SECRET_NAMES: Final = ("token", "secret", "password", "api_key", "apikey", "authorization", "recovery.previous")
"""How the name of a secret ends; the last is the key of `Recovery.previous_token`."""
OUR_WORDS: Final = ("role", "call")
"""Parts of a line that never hold data of a peer or an application."""
SHORTEST: Final = 12
"""A shorter secret is replaced only as the value of its name: a peer may use any word as a token."""


class Redactor:
    """Replaces secrets in JSON values, consistently for the length of one trace.

    ``secrets`` are known from the beginning, and replaced everywhere however short they are.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._placeholders: dict[str, str] = {}
        self._everywhere: list[str] = []
        for secret in secrets:
            self._learn(secret, shortest=1)

    def redact(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """Return a line without its secrets. What is secret in its last part is secret in its first.

        `OUR_WORDS` stay even where a peer uses one of them as its token: the line must remain valid.
        """
        self._search(line)
        return {name: value if name in OUR_WORDS else self._clean_part(value) for name, value in line.items()}

    def _clean_part(self, part: Any) -> Any:
        if not isinstance(part, dict):
            return self._clean(part)
        return {name: self._clean_field(name, value) for name, value in part.items()}

    def _search(self, value: Any) -> None:
        match value:
            case list():
                for item in value:
                    self._search(item)
            case dict():
                for name, item in value.items():
                    if is_secret(name):
                        self._learn_all(item)
                    if name == "frame" and isinstance(item, str):
                        self._search(parse_json(item))
                    else:
                        self._search(item)
            case _:
                pass

    def _learn_all(self, value: Any) -> None:
        match value:
            case str():
                self._learn(value)
            case list():
                for item in value:
                    self._learn_all(item)
            case dict():
                for item in value.values():
                    self._learn_all(item)
            case _:
                pass

    def _learn(self, secret: str, shortest: int = SHORTEST) -> None:
        """A placeholder is as long as the secret where it can be: sizes have limits, and those must replay."""
        if secret in self._placeholders:
            return
        self._placeholders[secret] = f"redacted-{len(self._placeholders) + 1}".ljust(len(secret), ".")
        if len(secret) >= shortest:
            # The longest first: one may begin with another.
            self._everywhere = sorted((*self._everywhere, secret), key=len, reverse=True)

    def _clean(self, value: Any) -> Any:
        match value:
            case str():
                return self._clean_text(value)
            case list():
                return [self._clean(item) for item in value]
            case dict():
                ours = "$" in value  # then its keys are names of fields
                return {
                    name if ours else self._clean_text(name): item if name == "$" else self._clean_field(name, item)
                    for name, item in value.items()
                }
            case _:
                return value

    def _clean_field(self, name: str, value: Any) -> Any:
        if is_secret(name):
            return self._hide(value)
        if name == "frame" and isinstance(value, str):
            return self._clean_frame(value)
        return self._clean(value)

    def _hide(self, value: Any) -> Any:
        """Everything in here is secret, of whatever kind a peer has made it."""
        match value:
            case str():
                return self._placeholders[value]
            case list():
                return [self._hide(item) for item in value]
            case dict():
                return {self._clean_text(name): self._hide(item) for name, item in value.items()}
            case None | bool():
                return value
            case _:
                return 0

    def _clean_text(self, text: str) -> str:
        for secret in self._everywhere:
            if secret in text:
                text = text.replace(secret, self._placeholders[secret])
        return text

    def _clean_frame(self, text: str) -> str:
        """A frame stays as it is to the letter unless there is a secret in it."""
        parsed = parse_json(text)
        if parsed is None:
            return _mask(self._clean_text(text))
        clean = self._clean(parsed)
        return text if clean == parsed else json.dumps(clean, ensure_ascii=False, separators=(",", ":"))


def is_secret(name: str) -> bool:
    """Whether what goes by this name is a secret."""
    return name.lower().replace("-", "_").endswith(SECRET_NAMES)


def _mask(text: str) -> str:
    """Hide what stands in quotes behind the name of a secret, in a text that is no JSON.

    It becomes ``0`` but for escapes and control characters, and nothing moves: the complaint about it stays the same.
    """
    lowered = text.lower()
    begin = min((at for name in SECRET_NAMES if (at := lowered.find(name)) >= 0), default=len(text))
    masked, quoted, escaped = [text[:begin]], True, False
    for character in text[begin:]:
        stays = not quoted or escaped or character in '"\\' or character < " "
        masked.append(character if stays else "0")
        if character == '"' and not escaped:
            quoted = not quoted
        escaped = character == "\\" and not escaped
    return "".join(masked)
