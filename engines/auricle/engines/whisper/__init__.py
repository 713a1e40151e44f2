"""Whisper on CTranslate2: features, windows, decoding, guards against hallucination, and where models come from."""
