"""Audio of one session before recognition: decoding, resampling, retention, voice detection (VAD), endpointing."""
