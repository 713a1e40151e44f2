"""The engine in a supervised process of its own: native code cannot be cancelled, and a crash must cost no connection.

Other rooms use `load_isolated`. In the parent, `supervisor` runs one child at a time (`child_process`) and restarts it
when it dies or does not reply; `window_engine` and `stateful_engine` are the engines that the parent sees. The program
of the child process is `child`. Parent and child exchange `messages` over a socket pair, to which nothing else can
connect (`channel`): plain data with lengths in front (`frames`), of which nothing is ever executed. A child that says
anything else is replaced as one that died. Source: notes/operations.md on engine isolation.

An engine holds no state that cannot be rebuilt. A call that a dead child had is repeated with the next one, and the
audio of an open utterance is kept until its final, so that the death of a child costs time and no word.
"""

from auricle.engines.isolation.loading import load_isolated

__all__ = ["load_isolated"]
