"""What waits is what was given, whole and in order, wherever it is cut."""

from hypothesis import given
from hypothesis import strategies as st

from pipecat_auricle.undecided_audio import UndecidedAudio

PIECES = st.lists(st.integers(0, 5), max_size=12)


def pcm(start: int, samples: int) -> bytes:
    return b"".join(position.to_bytes(2, "little") for position in range(start, start + samples))


@given(PIECES, st.integers(-1, 70), st.integers(0, 70))
def test_the_rest_is_there_from_any_position(pieces: list[int], decided: int, position: int) -> None:
    audio = UndecidedAudio(most_samples=1000)
    for samples in pieces:
        assert audio.append(pcm(audio.end, samples)) == 0
    total = audio.end
    assert audio.release(decided) == 0
    assert audio.start == max(0, min(decided, total))
    assert len(audio) == total - audio.start
    at = position = max(position, audio.start)
    heard = b""
    while (chunk := audio.first_from(at)) is not None:
        assert chunk.start == at
        assert chunk.pcm is not None
        heard += chunk.pcm
        at = chunk.end
    assert heard == pcm(position, max(0, total - position))


@given(PIECES, st.integers(0, 20), st.lists(st.integers(0, 70), max_size=5))
def test_what_is_dropped_is_counted_once(pieces: list[int], most: int, releases: list[int]) -> None:
    audio = UndecidedAudio(most_samples=most)
    dropped = released = 0
    for samples in pieces:
        dropped += audio.append(pcm(audio.end, samples))
    assert len(audio) == sum(pieces)
    assert sum(pieces) - dropped <= most
    for upto in [*releases, audio.end]:
        released += audio.release(upto)
    assert released == dropped
