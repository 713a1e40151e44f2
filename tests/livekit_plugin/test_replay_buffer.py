"""`ReplayBuffer` against a list of samples."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.auricle.replay_buffer import BYTES_PER_SAMPLE, ReplayBuffer


@given(st.lists(st.tuples(st.sampled_from(["append", "skip", "commit"]), st.integers(0, 50)), max_size=30))
def test_it_holds_exactly_what_is_not_committed(steps: list[tuple[str, int]]) -> None:
    audio, model, committed = ReplayBuffer(), list[int | None](), 0
    for what, count in steps:
        if what == "append":
            values = range(len(model), len(model) + count)
            audio.append(np.array(values, dtype=np.int16).tobytes())
            model += values
        elif what == "skip":
            audio.skip(count)
            model += [None] * count
        else:
            audio.commit(count)
            committed = max(committed, min(count, len(model)))
    assert (audio.start, audio.end, bool(audio)) == (committed, len(model), committed < len(model))
    for begin in (committed, (committed + len(model)) // 2):
        got: list[int | None] = []
        for chunk in audio.chunks_from(begin):
            assert chunk.start == begin + len(got)
            pcm = chunk.pcm
            got += [None] * (chunk.end - chunk.start) if pcm is None else np.frombuffer(pcm, np.int16).tolist()
        assert got == model[begin:]
    assert BYTES_PER_SAMPLE == 2
