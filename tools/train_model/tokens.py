"""The tokenizer: Whisper's kind (byte-level pieces, then the specials), trimmed to the closed vocabulary."""

from functools import cache
from typing import Final

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from train_model.words import WORDS

PIECES: Final = 840
"""Pieces of text: 256 bytes, and what is most common in the words. Most words are one piece, long ones several."""
END: Final = "<|endoftext|>"
START: Final = "<|startoftranscript|>"
PREVIOUS: Final = "<|startofprev|>"
NO_SPEECH: Final = "<|nospeech|>"
NO_TIMESTAMPS: Final = "<|notimestamps|>"
SPECIALS: Final = (
    END, START, "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>", PREVIOUS, NO_SPEECH, NO_TIMESTAMPS,
)  # fmt: skip
"""In Whisper's order: whatever is below the end is text, whatever is above the last is a time."""
TIMES: Final = 1501
TIME_STEP_S: Final = 0.02


@cache
def tokenizer() -> Tokenizer:
    """Return the tokenizer, the same every time."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=[],
        show_progress=False,
    )
    made.train_from_iterator([f" {word}" for word in WORDS], trainer)
    times = [f"<|{index * TIME_STEP_S:.2f}|>" for index in range(TIMES)]
    made.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in (*SPECIALS, *times)])
    return made


def vocabulary() -> list[str]:
    """Return all tokens in the order of their numbers."""
    numbers = tokenizer().get_vocab(with_added_tokens=True)
    return sorted(numbers, key=lambda token: numbers[token])


@cache
def number_of(token: str) -> int:
    """Return the number of a special token."""
    number = tokenizer().token_to_id(token)
    assert number is not None
    return int(number)


def time_token(seconds: float) -> int:
    """Return the token of a time."""
    return number_of(NO_TIMESTAMPS) + 1 + min(TIMES - 1, max(0, round(seconds / TIME_STEP_S)))


@cache
def pieces(word: str) -> tuple[int, ...]:
    """Return the tokens of one word, with the space before it."""
    return tuple(tokenizer().encode(f" {word}", add_special_tokens=False).ids)
