"""Where a Whisper model comes from, and the model that ships with this package."""
