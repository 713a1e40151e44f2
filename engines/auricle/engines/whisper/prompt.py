"""What Whisper is told before it listens: the session's terms and prompt, and what was said just before.

Whisper takes it for the transcript so far: it spells names as they are there, and goes on with the sentence. It also
goes on with the loops it finds there; so only little of what was said is told, and nothing after a guard has tripped.
A token of context costs a tenth of a generated one: it is one parallel pass. (notes/streaming-whisper.md §0, fact 6)
"""

from typing import Final

from faster_whisper.tokenizer import Tokenizer

from auricle.engines.protocol import StreamConfig, Window

HINT_TOKENS: Final = 100
"""Most tokens of prompt and terms."""
CONTEXT_TOKENS: Final = (32, 16, 8)
"""Tokens of what was said before: the most that there are enough for. Few lengths, because only windows with prompts of
one length can be decoded together; what is too short for the least is not worth it."""


def context_tokens(tokenizer: Tokenizer, window: Window) -> tuple[int, ...]:
    """Return the tokens that go before the transcript. None, if the model does not know what a context is."""
    tokens = (*_hints(tokenizer, window.config), *_said_before(tokenizer, window.context))
    return (tokenizer.sot_prev, *tokens) if tokens and tokenizer.sot_prev is not None else ()


def _hints(tokenizer: Tokenizer, config: StreamConfig) -> list[int]:
    hints = ", ".join(config.terms) + (" " + config.prompt.strip() if config.prompt else "")
    return _encode(tokenizer, hints)[-HINT_TOKENS:]


def _said_before(tokenizer: Tokenizer, text: str) -> list[int]:
    tokens = _encode(tokenizer, text)
    length = next((length for length in CONTEXT_TOKENS if length <= len(tokens)), 0)
    return tokens[len(tokens) - length :]


def _encode(tokenizer: Tokenizer, text: str) -> list[int]:
    words = text.strip()
    return list(tokenizer.encode(" " + words)) if words else []
