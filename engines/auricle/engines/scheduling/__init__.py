"""In which order decodes run, how many at once, and how much a machine can carry. Pure: `now_s` is always told.

`scheduler` is what callers use. Below it: `jobs` (the words), `queue` (who goes next, and with whom), `costs` (how
long a call will take) and `load` (how often partials may come, and whether another session fits).
Source of the rules: notes/streaming-whisper.md §2 and §5.3.
"""
