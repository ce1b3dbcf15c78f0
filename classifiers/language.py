"""Language identification: by script and letters where they decide, by py3langid where they do not.

Letters decide in 5 to 15 us for what most of the wire is written in; py3langid costs 200 us for 160 characters and
700 us for a kilobyte. Letters also know what py3langid does not: Persian typed on an Arabic keyboard (ي ك), a fifth of
our Persian items, is Arabic to it. No label is ever ruled out: a closed set turned Hebrew and Uyghur into Kurdish
(197 and 204 of 204 sentences) and Uzbek into Turkish.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

UNDETERMINED = "und"  # BCP 47: nothing could be read
NO_LANGUAGE = "zxx"  # BCP 47: no linguistic content, as py3langid says of random letters

_SAMPLE = 320  # characters looked at for script and letters
_TITLE_SHARE = 80  # of them at most so many from the headline: where the two differ in language, the text decides
_PREFIX = 160  # characters for py3langid: .975 of 9,000 texts right, .980 from 600 at twice the cost
_LONG_PREFIX = 600  # where 160 characters leave it in doubt
_SURE = 0.8  # py3langid's probability from which it was right in 99.5 of 100
_NEAR = 4  # the declared language stands where it is at most four times less probable than the first
_LEAST_LETTERS = 3
# Measured on the desk data and sib200 (tests/bench/bench_language): what the letters decide is right in 99.9 of 100.
_BY_LETTERS = 0.999

# py3langid has no Sorani and calls all of it Southern Kurdish; dialects and historical forms fold into what is written.
_REMAP = {
    "sdh": "ckb", "pcm": "en", "arz": "ar", "ary": "ar", "uzs": "uz", "wuu": "zh", "yue": "zh", "hbo": "he",
    "grc": "el", "gug": "gn", "kik": "ki",
}  # fmt: skip


class Language(NamedTuple):
    """What a text is written in."""

    tag: str  # BCP 47 primary tag
    confidence: float  # 0..1


# ---- the classes of characters that decide -----------------------------------------------------------------------
_CLASSES = (
    "other", "latin", "turkish", "foreign_latin", "arabic", "only_arabic", "persian", "persian_keys", "foreign_arabic",
    "cyrillic", "russian", "foreign_cyrillic", "han", "kana", "hangul", "greek", "hebrew", "thai", "armenian",
    "georgian", "elsewhere",
)  # fmt: skip
_NUMBER = {name: number for number, name in enumerate(_CLASSES)}
_RANGES = (
    ("latin", 0x41, 0x5A), ("latin", 0x61, 0x7A), ("latin", 0xC0, 0xFF), ("foreign_latin", 0x100, 0x2AF),
    ("foreign_latin", 0x1E00, 0x1EFF), ("greek", 0x370, 0x3FF), ("cyrillic", 0x400, 0x45F),
    ("foreign_cyrillic", 0x460, 0x52F), ("armenian", 0x531, 0x587), ("hebrew", 0x5D0, 0x5EA), ("arabic", 0x620, 0x64A),
    ("foreign_arabic", 0x671, 0x6D5), ("foreign_arabic", 0x6EE, 0x6EF), ("foreign_arabic", 0x6FA, 0x6FF),
    ("foreign_arabic", 0x750, 0x77F), ("elsewhere", 0x900, 0xDFF), ("thai", 0xE01, 0xE2E), ("elsewhere", 0xE80, 0x109F),
    ("georgian", 0x10D0, 0x10FF), ("hangul", 0x1100, 0x11FF), ("elsewhere", 0x1200, 0x1CFF), ("kana", 0x3041, 0x30FF),
    ("han", 0x3400, 0x9FFF), ("hangul", 0xAC00, 0xD7A3), ("han", 0xF900, 0xFAFF), ("elsewhere", 0xA000, 0xABFF),
)  # fmt: skip
_LETTERS = (
    ("turkish", "ığşİĞŞ"),
    ("only_arabic", "ةإأى"),
    ("persian", "پچژگ"),
    ("persian_keys", "کی"),
    ("russian", "ыэЫЭ"),
    ("foreign_cyrillic", "ѐђѓєѕіїјљњћќѝўџЀЂЃЄЅІЇЈЉЊЋЌЍЎЏ"),
    ("other", "×÷ـ"),
)
_SINGLE = {"hangul": "ko", "greek": "el", "thai": "th", "armenian": "hy", "georgian": "ka"}
# Words that few other languages have count two, words that neighbours share (Dutch, Danish: in, is, was, for) one.
_ENGLISH = frozenset((
    "the", "and", "that", "with", "from", "his", "said", "have", "which", "their", "this", "been", "they", "would",
    "were", "after", "will", "about", "her", "who", "are", "you",
))  # fmt: skip
_ENGLISH_SHARED = frozenset((
    "of", "in", "to", "is", "on", "was", "at", "by", "as", "it", "an", "for", "be", "or", "not", "he", "has", "but",
))  # fmt: skip
_ENGLISH_ENOUGH = 5
# Azerbaijani in Persian letters is Persian or Uzbek to every library tried (204 of 204 sentences).
_SOUTH_AZERBAIJANI = frozenset(
    ("بیر", "ایله", "اولان", "اوچون", "ائدن", "ائتمک", "اونون", "اولاراق", "گؤره", "چوخ", "بونون")
)


def _class_table() -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    table = np.zeros(0x10000, np.uint8)
    for name, first, last in _RANGES:
        table[first : last + 1] = _NUMBER[name]
    for name, letters in _LETTERS:
        for letter in letters:
            table[ord(letter)] = _NUMBER[name]
    return table


_TABLE = _class_table()


def identify(title: str, text: str, declared: str | None = None) -> Language:
    """Say in which language an item is written; `und` with confidence 0 where it has fewer than three letters.

    `declared` is the primary tag that the publisher gives; it decides between readings of a doubtful text that are
    near each other, nothing else. Pure: the same item has the same language whatever stood before it.
    """
    sample = f"{title[:_TITLE_SHARE]} {text[:_SAMPLE]}"[:_SAMPLE]
    units = np.frombuffer(sample.encode("utf-16-le", "surrogatepass"), np.uint16)
    counts = dict(zip(_CLASSES, np.bincount(_TABLE[units], minlength=len(_CLASSES)).tolist(), strict=True))
    letters = len(units) - counts["other"]
    if letters < _LEAST_LETTERS:
        return Language(UNDETERMINED, 0.0)
    tag = _by_letters(counts, letters, sample)
    if tag:
        return Language(tag, _BY_LETTERS)
    found = _by_model(title, text)
    if declared and declared != found.tag and found.confidence < _SURE:
        return _prefer_declared(declared, found, title, text)
    return found


def _by_letters(counts: dict[str, int], letters: int, sample: str) -> str | None:
    """Decide by script and letters; None where they do not."""
    arabic = sum(counts[name] for name in ("arabic", "only_arabic", "persian", "persian_keys", "foreign_arabic"))
    latin = counts["latin"] + counts["turkish"] + counts["foreign_latin"]
    cyrillic = counts["cyrillic"] + counts["russian"] + counts["foreign_cyrillic"]
    han = counts["han"] + counts["kana"]
    most = 0.6 * letters
    if arabic >= most:
        return _arabic_script(counts, arabic, sample)
    if latin >= most:
        return _latin_script(counts, latin, sample)
    if cyrillic >= most:
        # Ukrainian, Serbian, Macedonian, Kazakh have letters of their own; Bulgarian has neither ы nor э.
        return "ru" if counts["russian"] and not counts["foreign_cyrillic"] else None
    if han >= most:
        return "ja" if counts["kana"] * 20 > han else "zh"
    return next((tag for name, tag in _SINGLE.items() if counts[name] >= most), None)


def _arabic_script(counts: dict[str, int], letters: int, sample: str) -> str | None:
    foreign, persian, only = counts["foreign_arabic"], counts["persian"], counts["only_arabic"]
    if foreign:
        return None  # Urdu, Kurdish, Pashto, Uyghur, Sindhi: their letters are foreign to both
    if not persian and not counts["persian_keys"]:
        return "ar" if only else None
    if persian * 100 >= letters and only * 2 <= persian:
        return "fa" if _SOUTH_AZERBAIJANI.isdisjoint(sample.split()) else "azb"
    return None


def _latin_script(counts: dict[str, int], letters: int, sample: str) -> str | None:
    if counts["turkish"] * 50 >= letters and not counts["foreign_latin"] and "ı" in sample:
        return "tr"  # Azeri has ə, Kurdish ê and no ı, Turkmen ň and ý, Crimean Tatar ñ
    if not counts["turkish"] and not counts["foreign_latin"]:
        words = set(sample.lower().split())
        found = len(words & _ENGLISH)
        if found and 2 * found + len(words & _ENGLISH_SHARED) >= _ENGLISH_ENOUGH:
            return "en"
    return None


# ---- py3langid ---------------------------------------------------------------------------------------------------
@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _by_model(title: str, text: str) -> Language:
    found = Language(UNDETERMINED, 0.0)
    for size in (_PREFIX, _LONG_PREFIX):
        prefix = _prefix(title, text, size)
        tag, confidence = _identifier().classify(prefix)
        found = Language(_REMAP.get(tag, tag), float(confidence))
        if found.confidence >= _SURE or len(prefix) < _PREFIX:
            break
    return found


def _prefix(title: str, text: str, size: int) -> str:
    title, text = _small(title[:size]), _small(text[:size])
    return (text if len(text) >= size else f"{title} {text}")[:size]


def _small(part: str) -> str:
    """In small letters, where all are capitals.

    py3langid hardly knows capitals before small letters: of 1,501 headlines of a front page and their texts it took
    .050 for another language than theirs, and .020 so.
    """
    return part.lower() if part.isupper() else part


def _prefer_declared(declared: str, found: Language, title: str, text: str) -> Language:
    ranking = _identifier().rank(_prefix(title, text, _LONG_PREFIX))
    probability = max((float(p) for tag, p in ranking if _REMAP.get(tag, tag) == declared), default=0.0)
    return Language(declared, probability) if probability * _NEAR >= found.confidence else found


def warm_up() -> None:
    """Load py3langid's tables now (0.7 s, 70 MB) rather than at the first item that needs them."""
    _identifier()
