"""flite through its library: a waveform, and where each word of it lies."""

import ctypes
from functools import cache
from typing import Any, Final

import numpy as np

from train_model.speech import Speech, SpokenWord, from_pcm

_LIBRARIES: Final = ("libflite_usenglish.so.1", "libflite_cmulex.so.1")
_START: Final = b"R:SylStructure.daughter1.daughter1.R:Segment.p.end"
_END: Final = b"R:SylStructure.daughtern.daughtern.end"


class _Wave(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("rate", ctypes.c_int),
        ("samples", ctypes.c_int),
        ("channels", ctypes.c_int),
        ("data", ctypes.POINTER(ctypes.c_short)),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("features", ctypes.c_void_p)]


@cache
def _flite() -> Any:
    library = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
    for name in _LIBRARIES:
        ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
    for name in ("flite_synth_text", "utt_relation", "relation_head", "item_next"):
        getattr(library, name).restype = ctypes.c_void_p
    library.utt_wave.restype = ctypes.POINTER(_Wave)
    library.ffeature_float.restype = ctypes.c_float
    library.item_feat_string.restype = ctypes.c_char_p
    library.flite_init()
    return library


@cache
def _voice(name: str) -> int:
    _flite()
    library = ctypes.CDLL(f"libflite_cmu_us_{name}.so.1", mode=ctypes.RTLD_GLOBAL)
    register = getattr(library, f"register_cmu_us_{name}")
    register.restype = ctypes.c_void_p
    return int(register(None))


def say(text: str, voice: str, stretch: float) -> Speech:
    """Return ``text`` as ``voice`` says it, ``stretch`` times as long as it would."""
    flite, handle = _flite(), _voice(voice)
    features = ctypes.c_void_p(ctypes.cast(handle, ctypes.POINTER(_Voice)).contents.features)
    flite.feat_set_float(features, b"duration_stretch", ctypes.c_float(stretch))
    utterance = ctypes.c_void_p(flite.flite_synth_text(text.encode(), ctypes.c_void_p(handle)))
    words: list[SpokenWord] = []
    item = flite.relation_head(ctypes.c_void_p(flite.utt_relation(utterance, b"Word")))
    while item:
        word = ctypes.c_void_p(item)
        start, end = flite.ffeature_float(word, _START), flite.ffeature_float(word, _END)
        words.append(SpokenWord(flite.item_feat_string(word, b"name").decode(), float(start), float(end)))
        item = flite.item_next(word)
    wave = flite.utt_wave(utterance).contents
    audio = from_pcm(np.ctypeslib.as_array(wave.data, (wave.samples,)))
    rate = int(wave.rate)
    flite.delete_utterance(utterance)
    return Speech(audio, rate, tuple(words))
