"""Trains Pebble, the repository's own Whisper-format model, on speech that it synthesises itself.

`python -m train_model --help` lists the stages; `python -m train_model all` runs them one after another.
"""
