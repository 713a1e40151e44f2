"""Text that only appends: its pieces are promised prefixes, and together they are the finals."""

from hypothesis import given
from hypothesis import strategies as st

from auricle.core.messages import Final
from auricle.server.dialects.growing_text import GrowingText


def final(text: str, language: str | None = "en") -> Final:
    times = {"start": 0.0, "end": 1.0, "confidence": 0.5, "audio": (0, 1)}
    return Final(seq=1, segment=0, text=text, reason="endpoint", language=language, **times)  # type: ignore[arg-type]


def test_only_what_is_promised_is_told_before_the_final() -> None:
    said, piece = GrowingText().heard("hello word", stable=6)
    assert piece == "hello"
    said, piece = said.heard("hello word", stable=6)
    assert piece == ""
    said, piece = said.decided(final("hello world"))
    assert (piece, said.text) == (" world", "hello world")


def test_finals_are_joined_by_a_space_where_the_language_has_any() -> None:
    said, _ = GrowingText().decided(final("one", "en"))
    assert said.decided(final("two", "en"))[0].text == "one two"
    said, _ = GrowingText().decided(final("你好", "zh"))
    said, piece = said.decided(final("世界", "zh"))
    assert (said.text, piece, said.languages) == ("你好世界", "世界", ("zh",))


@given(
    st.lists(st.tuples(st.text("ab ", min_size=1, max_size=12), st.lists(st.integers(0, 12), max_size=4)), max_size=5)
)
def test_the_pieces_together_are_the_text(segments: list[tuple[str, list[int]]]) -> None:
    said, pieces = GrowingText(), ""
    for text, promises in segments:
        text = text.strip() or "x"
        for stable in sorted(promises):
            said, piece = said.heard(text[:stable] + "?", min(stable, len(text)))
            pieces += piece
            assert "?" not in pieces
        said, piece = said.decided(final(text))
        pieces += piece
    assert pieces == said.text == " ".join(text.strip() or "x" for text, _ in segments)
