"""Signs on a page that a story has ended: a legal notice, an agency's sign-off, a heading over other stories.

Word lists are our own, in folded letters (see `fold`), for Arabic, Turkish, English, Kurdish, Persian, German, French
and Spanish. One sign alone is weak: "(WHO)" ends many an English paragraph, "rights" many a political one.
"""

from __future__ import annotations

import re
import unicodedata

# a notice is a paragraph, not a story about copyright; the longest that was met has 610 letters
NOTICE_LETTERS = 900
SHORT_NOTICE_LETTERS = 160  # "All rights reserved (c) 2025" needs no verb that forbids anything
HEADING_LETTERS = 80

# accents, Arabic vowel marks and hamzas (as NFD leaves them), tatweel, joiners and direction marks
_MARKS = re.compile("[\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200b-\u200f\u2066-\u2069]")
_LETTERS = str.maketrans("ٱىیېةەہکڪıʼ’", "ايييهههككi''")

_RIGHTS = re.compile(
    r"حقوق|ملكي\w* فكري|كوبي ?رايت|copyright|copyleft|all rights|intellectual property|©|\(c\) ?(?:19|20)\d\d|telif"
    r"|tum haklar|yayin hak|\bhaklari\b|mafen|ماف\w* |derechos|droits|urheberrecht|alle rechte|rechte vorbehalten"
)
_RESERVED = re.compile(
    r"محفوظ|تمتلك|يمتلك|مملوك|محمي|ملك\w* حصري|پاراست|reserved|owned by|property of|licensed|protected by|saklidir"
    r"|mahfuz|aittir|sahiptir|sahibidir|parasti|reservados|reserves|vorbehalten|geschutzt"
)
_FORBIDDEN = re.compile(
    r"لا يجوز|لا يسمح|لا يمكن|لن يمكن|لن يسمح|يمنع |يحظر |دون (?:اذن|عقد|موافق|اشتراك|تصريح|ذكر)|بدون (?:اذن|عقد|موافق)"
    r"|اشتراك مسبق|عقد مبرم|اعاده (?:نشر|استخدام|توزيع)|استفاده از|ذكر منبع"
    r"|may not be|must not be|not be (?:copied|reproduced)"
    r"|prohibited|without (?:the )?(?:prior|written|express|permission|consent|authori)|redistribut|rewritten"
    r"|kullanilamaz|yayinlanamaz|kopyalanamaz|cogaltilamaz|alintilanamaz|izinsiz|izin alin\w*|kaynak goster\w*|sozlesme"
    r"|abonelik|abone ol|be destur|prohibida|sin autorizacion|sans autorisation|reproduction interdite"
    r"|ohne (?:vorherige|schriftliche|zustimmung)"
)
# what a short notice says: all rights, or the sign
_ALL = re.compile(
    r"(?:جميع|كافه|كامل) (?:ال)?حقوق|حقوق (?:ال)?(?:نشر|طبع|ملكي)|©|\(c\)|all rights|tum hak|hemu maf|alle rechte"
    r"|droits reserves|todos los derechos"
)
_LABEL = re.compile(
    r"^\W*(?:تنبيه|ملاحظه|تنويه|اخلاء مسووليه|هشدار|توجه|uyari|yasal uyari|onemli not|not|notice|legal notice"
    r"|disclaimer|warning|hisyari|aviso(?: legal)?|avertissement|mentions? legales?|hinweis)\s*[:：!-]"
)
_GOODS = re.compile(
    r"اخبار|صور|فيديو|محتو|مواد|نصوص|haber|fotograf|video|icerik|gorsel|nuce|wene|news|photo|image|material|content|article"
    r"|noticias|contenido|contenu|inhalt"
)
_AGENCIES = (
    "واس|وام|قنا|بنا|كونا|سانا|بترا|وات|واج|وفا|رويترز|الأناضول|الاناضول|وكالات"
    "|أ ف ب|ا ف ب|د ب أ|د ب ا|إرنا|ارنا|إيلكا|ايلكا"
)
_LATIN_AGENCY = "[A-ZÇĞİÖŞÜ]{2,8}(?:[ /-][A-ZÇĞİÖŞÜ]{2,8})?"
_SIGN_OFF = re.compile(rf"[(\[]\s*({_LATIN_AGENCY}|{_AGENCIES})\s*[)\]]\s*[.\-–—]*\s*$")
_OTHERS = re.compile(
    r"^\W*(?:اقرا (?:ايضا|كذلك|المزيد)|مواضيع (?:ذات|متعلقه|اخري)|اخبار (?:ذات صله|متعلقه|اخري)|شاهد ايضا|بيشتر بخوانيد"
    r"|ilgili haber|diger haber|son haberler|benzer haber|bunlar da ilginizi|read (?:also|more)|also read"
    r"|related (?:stories|news|articles)|more (?:from|stories|news)|you may also|see also"
    r"|lire aussi|a lire aussi|lea tambien|mehr zum thema|auch interessant|nuceyen din)"
)


def fold(text: str) -> str:
    """Letters that writers use for one another made one, all marks dropped, lower case; for comparing only."""
    return _MARKS.sub("", unicodedata.normalize("NFD", text).lower()).translate(_LETTERS)


def is_notice(paragraph: str) -> bool:
    """Whether a paragraph is a copyright notice or a disclaimer: it must say two different things that notices say."""
    if len(paragraph) > NOTICE_LETTERS:
        return False
    folded = fold(paragraph)
    rights, reserved, forbidden, goods = (
        bool(words.search(folded)) for words in (_RIGHTS, _RESERVED, _FORBIDDEN, _GOODS)
    )
    label = bool(_LABEL.match(folded))
    if forbidden and (rights or reserved or label) and goods:
        return True
    if len(_FORBIDDEN.findall(folded)) > 1 and goods:
        return True
    short = len(paragraph) < SHORT_NOTICE_LETTERS and bool(_ALL.search(folded))
    return rights and reserved and (label or short)


def sign_off(paragraph: str) -> str | None:
    """The agency that signs at the end of a paragraph, in brackets."""
    found = _SIGN_OFF.search(paragraph)
    return found.group(1) if found else None


def heads_others(paragraph: str) -> bool:
    """Whether a line stands over a list of other stories: "read also"."""
    return len(paragraph) < HEADING_LETTERS and bool(_OTHERS.match(fold(paragraph)))
