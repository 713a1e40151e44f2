"""Audio of one session before recognition: encodings, resampling, retention, voice detection (VAD),
endpointing.
"""
