"""The streaming detector against faster-whisper's own, which hears a whole recording at once."""

import numpy as np
from faster_whisper.vad import get_vad_model
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.engines.audio.silero_vad import SileroModel, silero_detector
from auricle.engines.protocol import BLOCK, ENGINE_RATE
from engines.session_harness import clip_pcm, config


def blocks(pcm: bytes) -> np.ndarray:
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32_768
    return samples[: len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK)


def noisy_tones(count: int) -> np.ndarray:
    """Something about which it is never quite sure."""
    time_s = np.arange(count * BLOCK) / ENGINE_RATE
    voiced = np.sin(2 * np.pi * 140 * time_s + 4 * np.sin(2 * np.pi * 3 * time_s)) * 0.2
    noise = np.random.default_rng(3).standard_normal(len(time_s)) * 0.02
    return (voiced + noise).astype(np.float32).reshape(-1, BLOCK)


def test_block_by_block_is_the_same_as_all_at_once():
    audio = blocks(clip_pcm("jfk"))
    detector = SileroModel().detector()
    streamed = [voice for block in audio for voice in detector(block[None])]
    reference = get_vad_model()(audio.reshape(-1)).reshape(-1)
    # The reference overwrites the end of its last block.
    assert np.allclose(streamed[:-1], reference[:-1], atol=1e-4)
    assert max(streamed) > 0.9


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(1, 20), min_size=1, max_size=12))
def test_what_it_says_does_not_depend_on_how_many_blocks_come_at_a_time(sizes):
    audio = noisy_tones(sum(sizes))
    together, alone = SileroModel().detector(), SileroModel().detector()
    ends = np.cumsum(sizes)
    streamed = [voice for piece in np.split(audio, ends[:-1]) for voice in together(piece)]
    assert streamed == [voice for block in audio for voice in alone(block[None])]


def test_sessions_do_not_hear_each_other():
    audio = blocks(clip_pcm("jfk"))[:60]
    model = SileroModel()
    alone, one, other = model.detector(), model.detector(), model.detector()
    expected = [alone(block[None]) for block in audio]
    mixed = [(one(block[None]), other(-block[None]))[0] for block in audio]
    assert mixed == expected


def test_silence_is_not_speech():
    detector = SileroModel().detector()
    assert max(detector(np.zeros((100, BLOCK), dtype=np.float32))) < 0.3


def test_its_factory_loads_the_network_once():
    one, other = silero_detector(config()), silero_detector(config())
    assert one._session is other._session
    assert one is not other
