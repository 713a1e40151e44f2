"""What clients call a language, as a BCP 47 tag: tags with an underscore, names in English, and words for "any"."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ANY: Final = frozenset({"", "auto", "detect", "multi", "multilingual", "und", "none", "null"})
"""What stands for no language in particular: it is detected."""

_NAMES: Final = """
af afrikaans, am amharic, ar arabic, as assamese, az azerbaijani, ba bashkir, be belarusian, bg bulgarian, bn bengali,
bo tibetan, br breton, bs bosnian, ca catalan, ca valencian, cs czech, cy welsh, da danish, de german, el greek,
en english, es spanish, es castilian, et estonian, eu basque, fa persian, fa farsi, fi finnish, fo faroese, fr french,
gl galician, gu gujarati, ha hausa, haw hawaiian, he hebrew, hi hindi, hr croatian, ht haitian creole, ht haitian,
hu hungarian, hy armenian, id indonesian, is icelandic, it italian, ja japanese, jw javanese, ka georgian, kk kazakh,
km khmer, kn kannada, ko korean, la latin, lb luxembourgish, ln lingala, lo lao, lt lithuanian, lv latvian,
mg malagasy, mi maori, mk macedonian, ml malayalam, mn mongolian, mr marathi, ms malay, mt maltese, my myanmar,
my burmese, ne nepali, nl dutch, nl flemish, nn nynorsk, no norwegian, oc occitan, pa punjabi, pl polish, ps pashto,
pt portuguese, ro romanian, ro moldovan, ru russian, sa sanskrit, sd sindhi, si sinhala, sk slovak, sl slovenian,
sn shona, so somali, sq albanian, sr serbian, su sundanese, sv swedish, sw swahili, ta tamil, te telugu, tg tajik,
th thai, tk turkmen, tl tagalog, tl filipino, tr turkish, tt tatar, uk ukrainian, ur urdu, uz uzbek, vi vietnamese,
yi yiddish, yo yoruba, yue cantonese, zh chinese, zh mandarin
"""
TAGS: Final[Mapping[str, str]] = MappingProxyType(
    {name: tag for tag, _, name in (row.strip().partition(" ") for row in _NAMES.replace("\n", " ").split(","))}
)
"""English name of a language, in lower case, to the tag that Whisper has for it."""


def language_tag(asked: str) -> str | None:
    """Return the tag for what a client calls a language; None where it stands for any.

    What is neither a name nor a word for "any" is returned as a tag: whether it is one, the engine says.
    """
    plain = asked.strip()
    if plain.lower() in ANY:
        return None
    return TAGS.get(plain.lower(), plain.replace("_", "-"))
