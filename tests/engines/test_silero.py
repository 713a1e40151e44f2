"""The streaming detector against faster-whisper's own, which hears a whole recording at once."""

import pickle

import numpy as np
from faster_whisper.vad import get_vad_model

from auricle.engines.protocol import BLOCK
from auricle.engines.silero import SileroModel, silero_detector
from engines.lab import clip_pcm, config


def blocks(pcm: bytes) -> np.ndarray:
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32_768
    return samples[: len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK)


def test_block_by_block_is_the_same_as_all_at_once():
    audio = blocks(clip_pcm("jfk"))
    detector = SileroModel().listen()
    streamed = [detector(block) for block in audio]
    reference = get_vad_model()(audio.reshape(-1)).reshape(-1)
    # The reference overwrites the end of its last block.
    assert np.allclose(streamed[:-1], reference[:-1], atol=1e-4)
    assert max(streamed) > 0.9


def test_sessions_do_not_hear_each_other():
    audio = blocks(clip_pcm("jfk"))[:60]
    model = SileroModel()
    alone, one, other = model.listen(), model.listen(), model.listen()
    expected = [alone(block) for block in audio]
    mixed = [(one(block), other(-block))[0] for block in audio]
    assert mixed == expected


def test_silence_is_not_speech():
    detector = SileroModel().listen()
    assert max(detector(np.zeros(BLOCK, dtype=np.float32)) for _ in range(100)) < 0.3


def test_its_factory_can_be_pickled_and_loads_the_network_once():
    make = pickle.loads(pickle.dumps(silero_detector))
    one, other = make(config()), make(config())
    assert one._session is other._session
    assert one is not other
