"""The closed vocabulary and the small grammar: what the model can hear, and all that it can hear.

No two words sound alike (``two`` but not ``to``): a model this small must not need meaning to choose between them.
"""

import random
from collections.abc import Callable
from typing import Final

DIGITS: Final = tuple("zero one two three four five six seven eight nine".split())
TEENS: Final = tuple("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split())
TENS: Final = tuple("twenty thirty forty fifty sixty seventy eighty ninety".split())
LARGE: Final = ("hundred", "thousand")
ORDINALS: Final = tuple("first second third fourth fifth sixth seventh ninth tenth last next".split())
DAYS: Final = tuple("monday tuesday wednesday thursday friday saturday sunday".split())
MONTHS: Final = tuple("january february march april may june july august september october november december".split())
COLOURS: Final = tuple("red orange yellow green blue purple brown black white grey pink silver golden".split())
THINGS: Final = tuple(
    "lamp door window heater fan radio camera printer music alarm timer table chair garden kitchen bedroom bathroom "
    "garage office mirror bottle basket bicycle river mountain forest bridge island pencil paper letter picture "
    "guitar piano ticket jacket button hammer rocket engine computer telephone umbrella blanket candle".split()
)
ANIMALS: Final = tuple(
    "dog cat horse cow bird rabbit tiger lion elephant monkey fish duck spider turtle penguin".split()
)
FOOD: Final = tuple(
    "apple banana lemon cherry melon tomato potato onion bread butter cheese coffee water sugar chocolate".split()
)
NAMES: Final = tuple("maria peter anna david john susan robert emma thomas laura victor oscar".split())
PLACES: Final = tuple("london paris berlin boston madrid vienna tokyo chicago oslo texas canada".split())
COMMANDS: Final = tuple(
    "open close lock check move bring find paint wash count save delete remove repair cover watch clean show".split()
)
SWITCHES: Final = tuple("start stop pause play cancel repeat".split())
UNITS: Final = tuple("percent degrees minutes hours dollars meters pages".split())
TIMES: Final = tuple("now today tomorrow yesterday tonight again later soon".split())
MANNERS: Final = tuple("quickly slowly quietly carefully please".split())
NEAR: Final = ("in", "on", "under", "behind", "near", "with", "from")
STATES: Final = tuple("cold warm hot ready empty broken open clean dirty heavy small large old happy hungry".split())
WEATHER: Final = tuple("sunny rainy windy cloudy stormy".split())
OTHERS: Final = tuple(
    "the my your and or at is are was not call send turn switch off set until good morning evening night hello "
    "goodbye thank you yes no it we have need like where what how many answer number weather will be plus minus "
    "equals about".split()
)
WORDS: Final = tuple(
    sorted(
        {
            *DIGITS, *TEENS, *TENS, *LARGE, *ORDINALS, *DAYS, *MONTHS, *COLOURS, *THINGS, *ANIMALS, *FOOD, *NAMES,
            *PLACES, *COMMANDS, *SWITCHES, *UNITS, *TIMES, *MANNERS, *NEAR, *STATES, *WEATHER, *OTHERS,
        }
    )
)  # fmt: skip
"""Every word, once."""

MAX_WORDS: Final = 12
"""Longest sentence."""


def number(rng: random.Random) -> str:
    """Return a cardinal number, as it is said."""
    tens = f"{rng.choice(TENS)} {rng.choice(DIGITS[1:])}"
    small = rng.choice((rng.choice(DIGITS), rng.choice(TEENS), rng.choice(TENS), tens))
    if rng.random() < 0.15:
        return f"{rng.choice(DIGITS[1:])} {rng.choice(LARGE)}{rng.choice(('', ' ' + small))}"
    return small


def thing(rng: random.Random) -> str:
    """Return a noun phrase."""
    noun = rng.choice(rng.choice((THINGS, THINGS, ANIMALS, FOOD)))
    article = rng.choice(("the", "the", "my", "your"))
    extra = rng.choice(("", rng.choice(COLOURS), rng.choice(STATES), rng.choice(ORDINALS)))
    return " ".join(filter(None, (article, extra, noun)))


def when(rng: random.Random) -> str:
    """Return a time, or nothing."""
    return rng.choice(
        (
            "",
            rng.choice(TIMES),
            f"on {rng.choice(DAYS)}",
            f"{rng.choice(DAYS)} {rng.choice(('morning', 'evening', 'night'))}",
            f"in {rng.choice(MONTHS)}",
            f"until {rng.choice(DAYS)}",
            f"at {number(rng)}",
        )
    )


def _command(rng: random.Random) -> str:
    return f"{rng.choice(COMMANDS)} {thing(rng)} {rng.choice((when(rng), rng.choice(MANNERS)))}"


def _switch(rng: random.Random) -> str:
    return f"{rng.choice(('turn', 'switch'))} {rng.choice(('on', 'off'))} {thing(rng)} {when(rng)}"


def _setting(rng: random.Random) -> str:
    return f"set {thing(rng)} at {number(rng)} {rng.choice(UNITS)}"


def _call(rng: random.Random) -> str:
    verb = rng.choice(("call", "thank", "watch", "find", "answer"))
    return f"{verb} {rng.choice(NAMES)} {rng.choice(('in', 'from'))} {rng.choice(PLACES)} {when(rng)}"


def _date(rng: random.Random) -> str:
    return f"{rng.choice(DAYS)} the {rng.choice(ORDINALS[:9])} of {rng.choice(MONTHS)}".replace("of ", "")


def _digits(rng: random.Random) -> str:
    return " ".join(rng.choice(DIGITS) for _ in range(rng.randint(2, 8)))


def _sum(rng: random.Random) -> str:
    return f"{number(rng)} {rng.choice(('plus', 'minus'))} {number(rng)} equals {number(rng)}"


def _place(rng: random.Random) -> str:
    return f"{thing(rng)} {rng.choice(('is', 'was', 'is not'))} {rng.choice(NEAR)} {thing(rng)}"


def _state(rng: random.Random) -> str:
    return f"{thing(rng)} {rng.choice(('is', 'was', 'will be'))} {rng.choice(STATES)} {when(rng)}"


def _weather(rng: random.Random) -> str:
    return (
        f"the weather in {rng.choice(PLACES)} {rng.choice(('is', 'was', 'will be'))} {rng.choice(WEATHER)} {when(rng)}"
    )


def _need(rng: random.Random) -> str:
    return f"we {rng.choice(('need', 'have', 'like'))} {number(rng)} {rng.choice(UNITS)} and {thing(rng)}"


def _question(rng: random.Random) -> str:
    return rng.choice(
        (f"where is {thing(rng)}", f"how many {rng.choice(UNITS)} {when(rng)}", f"what about {thing(rng)}")
    )


def _greeting(rng: random.Random) -> str:
    hello = rng.choice(("hello", "goodbye", "good morning", "good evening", "good night", "thank you", "yes", "no"))
    return f"{hello} {rng.choice(NAMES)} {rng.choice(('', 'it is ' + rng.choice(WEATHER), when(rng)))}"


def _player(rng: random.Random) -> str:
    return f"{rng.choice(SWITCHES)} {rng.choice(('the', 'my'))} {rng.choice(THINGS)} {when(rng)} {rng.choice(MANNERS)}"


def _send(rng: random.Random) -> str:
    return f"send {thing(rng)} from {rng.choice(PLACES)} with {rng.choice(NAMES)}"


def _salad(rng: random.Random) -> str:
    """Any words in any order: the encoder must hear them, not guess them."""
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(2, 7)))


def _single(rng: random.Random) -> str:
    return rng.choice(WORDS)


_FORMS: Final[tuple[Callable[[random.Random], str], ...]] = (
    _command, _command, _switch, _setting, _call, _date, _digits, _sum, _place, _state, _weather, _need, _question,
    _greeting, _player, _send, _salad, _salad, _salad, _single,
)  # fmt: skip
_TEST_FORMS: Final = tuple(form for form in _FORMS if form not in (_salad, _single))


def training_sentence(rng: random.Random) -> str:
    """Return one sentence, word salad or single word."""
    return _trimmed(rng.choice(_FORMS)(rng))


def grammatical_sentence(rng: random.Random) -> str:
    """Return one sentence of the grammar, as the tests have them."""
    return _trimmed(rng.choice(_TEST_FORMS)(rng))


def _trimmed(text: str) -> str:
    return " ".join(text.split()[:MAX_WORDS])
