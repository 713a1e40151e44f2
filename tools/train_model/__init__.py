"""Trains Pebble, the repository's own Whisper-format model, on speech that it synthesises itself.

With `tools` on the `PYTHONPATH`, `python -m train_model --help` lists the stages, and `python -m train_model all` runs
them one after another. It needs the extra `training` and these packages of Debian: `libflite1`, `libespeak-ng1` with
`espeak-ng-data`, `festival`, and its voices `festvox-kallpc16k`, `festvox-us-slt-hts` and `festvox-kdlpc16k`.

On one processor core the synthesis takes about 10 minutes and the training 80. `learn` saves a checkpoint every minute;
a second call goes on from there, until so many minutes are spent in all.
"""
