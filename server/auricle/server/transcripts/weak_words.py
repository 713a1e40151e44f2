"""Words that belong to what follows them, such as articles: no line of subtitles should end in one."""

from typing import Final

_ENGLISH: Final = (
    "a an the my your his her its our their this that these those of in on at by to for with from into onto over under "
    "about after before between through without within upon against and or but nor if than as because is are was were "
    "am be been have has had do does did will would can could shall should may might must not no very i we he she they"
)
_GERMAN: Final = (
    "der die das den dem des ein eine einen einem einer eines mein dein sein ihr unser und oder aber weil dass "
    "wenn als in im an am auf aus bei mit nach von vom zu zum zur für über unter vor durch ohne gegen um ist war"
)
_FRENCH: Final = (
    "le la les un une des du de au aux mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs ce cette ces et "
    "ou mais que qui si dans sur sous avec sans pour par vers chez entre ne est sont je tu il elle nous vous ils elles"
)
_SPANISH: Final = (
    "el la los las un una unos unas de del al a en con por para sin sobre entre desde hasta mi tu su sus nuestro y o "
    "pero que si es son no se lo le me te nos"
)
_LISTS: Final = {"en": _ENGLISH, "de": _GERMAN, "fr": _FRENCH, "es": _SPANISH}


def weak_words(language: str | None) -> frozenset[str]:
    """Return the weak words of a language (as in ``en`` or ``de-AT``), in lower case; English ones where it is unknown.

    A language without a list has none.
    """
    if language is None:
        return frozenset(_ENGLISH.split())
    return frozenset(_LISTS.get(language.partition("-")[0].lower(), "").split())
