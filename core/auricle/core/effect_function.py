"""The type of an effect, and decorators that give one its message or its stimulus with the type it works on."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, overload

from auricle.core.draft import Draft
from auricle.core.messages import Message
from auricle.core.outputs import AudioSpan
from auricle.core.stimuli import Hear, Say, Stimulus

EffectFunction = Callable[[Draft, Stimulus], None]
"""Writes to the draft what the stimulus changes. Raises `Breach` or `LocalProtocolError` where that is not legal."""

M = TypeVar("M", bound=Message | AudioSpan)
N = TypeVar("N", bound=Message | AudioSpan)
S = TypeVar("S")


@overload
def for_message(kind: type[M], /) -> Callable[[Callable[[Draft, M], None]], EffectFunction]: ...


@overload
def for_message(kind: type[M], other: type[N], /) -> Callable[[Callable[[Draft, M | N], None]], EffectFunction]: ...


def for_message(*kinds: type[Any]) -> Callable[[Callable[[Draft, Any], None]], EffectFunction]:
    """Make an effect of a function that takes the message which the stimulus says or hears.

    The rule table runs such an effect only in rows of these kinds of message; anything else is a fault of the table
    and raises `AssertionError`.
    """

    def decorate(function: Callable[[Draft, Any], None]) -> EffectFunction:
        @wraps(function)
        def effect(draft: Draft, stimulus: Stimulus) -> None:
            assert isinstance(stimulus, Say | Hear)
            assert isinstance(stimulus.message, kinds)
            function(draft, stimulus.message)

        return effect

    return decorate


def for_stimulus(kind: type[S]) -> Callable[[Callable[[Draft, S], None]], EffectFunction]:
    """Make an effect of a function that takes one kind of stimulus; any other raises `AssertionError`."""

    def decorate(function: Callable[[Draft, S], None]) -> EffectFunction:
        @wraps(function)
        def effect(draft: Draft, stimulus: Stimulus) -> None:
            assert isinstance(stimulus, kind)
            function(draft, stimulus)

        return effect

    return decorate
