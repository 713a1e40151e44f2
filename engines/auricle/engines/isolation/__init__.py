"""The engine in a process of its own, supervised: native code has no cancel, and a crash there must cost no connection.

`load_isolated` is what others use. The parent is `process` (one child at a time, restarted when it dies or hangs) with
`window_engine` and `stateful_engine` on top, which look like the engine they stand for; the child is `child`. Between
the two is a socket pair with pickled `messages`, framed by the standard library: both ends are ours, and nobody else
can connect. Source: notes/operations.md on engine isolation.

An engine holds no truth. What a child was asked is asked again of the next one, and the audio of an open utterance is
kept until its final has been said, so a child that dies costs time and no word.
"""

from auricle.engines.isolation.loading import load_isolated

__all__ = ["load_isolated"]
