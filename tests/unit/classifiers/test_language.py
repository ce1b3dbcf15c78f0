from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.language import Language, identify

# Our own sentences.
SENTENCES = [
    ("ar", "أعلنت وزارة الصحة أن عدد المصابين انخفض خلال الأسبوع الماضي في جميع المدن."),
    ("fa", "وزیر خارجه اعلام کرد که گفت‌وگوها با همسایگان پس از چند ماه دوباره آغاز می‌شود."),
    ("fa", "وزير كشور گفت پرداخت يارانه‌ها از ماه آينده آغاز مي‌شود و چگونگي آن اعلام مي‌شود."),  # Arabic keys
    ("ur", "وزیر اعظم نے کہا ہے کہ حکومت عوام کے لیے نئے منصوبے شروع کر رہی ہے۔"),
    ("ckb", "سەرۆکی حکوومەت ڕایگەیاند کە پڕۆژە نوێیەکان لە مانگی داهاتوودا دەست پێ دەکەن."),
    ("ps", "د ولسمشر ویاند وویل چې حکومت به د ښوونځیو لپاره نوي پروګرامونه پیل کړي."),
    ("ug", "ھۆكۈمەت رەئىسى يېڭى قۇرۇلۇشلارنىڭ كېلەر ئايدا باشلىنىدىغانلىقىنى ئېيتتى."),
    ("tr", "Sağlık Bakanlığı, aşı kampanyasının önümüzdeki hafta bütün illerde başlayacağını açıkladı."),
    ("az", "Səhiyyə Nazirliyi peyvənd kampaniyasının gələn həftə bütün rayonlarda başlayacağını açıqladı."),
    ("uz", "Sogʻliqni saqlash vazirligi emlash kelasi hafta barcha viloyatlarda boshlanishini maʼlum qildi."),
    ("tk", "Saglygy goraýyş ministrligi sanjym çäresiniň geljek hepde ähli welaýatlarda başlanjakdygyny aýtdy."),
    ("ku", "Wezareta Tenduristiyê ragihand ku kampanyaya derzîlêdanê dê hefteya bê li hemû bajaran dest pê bike."),
    ("en", "The ministry of health said that the vaccination campaign would begin in every city next week."),
    ("de", "Das Gesundheitsministerium kündigte an, dass die Impfungen nächste Woche in allen Städten beginnen."),
    ("fr", "Le ministère de la santé a annoncé que la campagne commencera la semaine prochaine dans les villes."),
    ("es", "El ministerio de salud anunció que la campaña de vacunación comenzará la próxima semana en el país."),
    ("it", "Il ministero della salute ha annunciato che la campagna di vaccinazione inizierà la settimana prossima."),
    ("pl", "Ministerstwo zdrowia ogłosiło, że szczepienia rozpoczną się w przyszłym tygodniu we wszystkich miastach."),
    ("nl", "Het ministerie van volksgezondheid heeft aangekondigd dat de inentingen volgende week beginnen."),
    ("pt", "O ministério da saúde anunciou que a campanha de vacinação começa na próxima semana em todo o país."),
    ("ru", "Министерство здравоохранения объявило, что прививки начнутся на следующей неделе во всех городах."),
    ("uk", "Міністерство охорони здоров'я оголосило, що щеплення розпочнуться наступного тижня в усіх містах."),
    ("bg", "Министерството на здравеопазването обяви, че ваксинацията започва следващата седмица в градовете."),
    ("kk", "Денсаулық сақтау министрлігі екпе науқаны келесі аптада барлық қалаларда басталатынын хабарлады."),
    ("he", "משרד הבריאות הודיע כי מבצע החיסונים יתחיל בשבוע הבא בכל הערים."),
    ("zh", "卫生部宣布，疫苗接种活动将于下周在所有城市开始。"),
    ("ja", "厚生労働省は、来週からすべての都市で予防接種を始めると発表した。"),
    ("ko", "보건부는 다음 주부터 모든 도시에서 예방 접종을 시작한다고 발표했다."),
    ("el", "Το υπουργείο υγείας ανακοίνωσε ότι οι εμβολιασμοί θα αρχίσουν την επόμενη εβδομάδα."),
    ("hi", "स्वास्थ्य मंत्रालय ने कहा कि टीकाकरण अभियान अगले सप्ताह सभी शहरों में शुरू होगा।"),
    ("th", "กระทรวงสาธารณสุขประกาศว่าการฉีดวัคซีนจะเริ่มในสัปดาห์หน้าทุกเมือง"),
]


@pytest.mark.parametrize(("tag", "text"), SENTENCES, ids=[f"{tag}-{at}" for at, (tag, _) in enumerate(SENTENCES)])
def test_a_sentence(tag: str, text: str) -> None:
    assert identify("", text).tag == tag
    assert identify(text, "").tag == tag


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("OIL PRICES FALL AFTER OPEC MEETING", "Brent drops"),
        ("COURT FREES EDITOR HELD SINCE MAY", "Paper prints again"),
        ("STRIKE GROUNDS FLIGHTS AT LONDON AIRPORTS", "Pay talks fail"),
    ],
)
def test_a_headline_in_capitals_above_small_letters(title: str, text: str) -> None:
    found = identify(title, text)
    assert found.tag == "en"
    assert found.confidence > 0.5  # under .2 as long as the capitals stayed


@pytest.mark.parametrize(
    ("tag", "headline"),
    [
        ("ar", "زلزال يضرب غربي إيران"),
        ("tr", "Merkez Bankası faizi sabit tuttu"),
        ("en", "Floods cut off villages in northern Pakistan"),
        ("fa", "زلزله غرب ایران را لرزاند و پنج نفر زخمی شدند"),
    ],
)
def test_a_headline(tag: str, headline: str) -> None:
    assert identify(headline, "").tag == tag


@pytest.mark.parametrize("text", ["", " \n ", "12 345,6 %", "👍👍👍", "ab", "…؟!"])
def test_nothing_to_read(text: str) -> None:
    assert identify(text, "") == Language("und", 0.0)


def test_random_letters_are_no_language() -> None:
    assert identify("", "xkcd qqq zzz asdkj qwoei zxmcn qpwoe laksjd vbnmq wrtzp").tag == "zxx"


def test_the_text_outweighs_a_foreign_headline() -> None:
    text = dict(SENTENCES[::-1])["tr"]
    assert identify("The Guardian", text).tag == "tr"


def test_capitals_make_no_difference() -> None:
    assert identify("", dict(SENTENCES)["en"].upper()).tag == "en"
    assert (
        identify("", "SAĞLIK BAKANLIĞI AŞI KAMPANYASININ BAŞLAYACAĞINI AÇIKLADI, VALİLİKLERE YAZI GÖNDERDİ").tag == "tr"
    )


class TestDeclaredLanguage:
    def test_does_not_overrule_a_text_that_is_clear(self) -> None:
        for tag, text in SENTENCES:
            if tag in {"ar", "tr", "en", "ru", "zh"}:
                assert identify("", text, "de").tag == tag

    def test_decides_between_near_readings(self) -> None:
        doubtful = "Banka kapital mila"
        undeclared = identify(doubtful, "")
        assert undeclared.confidence < 0.8
        near = [tag for tag in ("sw", "sk", "cs", "sl", "hr", "lv", "mt") if identify(doubtful, "", tag).tag == tag]
        assert near, "no neighbour of the first reading was taken"
        assert all(identify(doubtful, "", tag).confidence <= undeclared.confidence for tag in near)

    def test_is_not_believed_where_nothing_speaks_for_it(self) -> None:
        undeclared = identify("Banka kapital mila", "")
        assert identify("Banka kapital mila", "", "zh") == undeclared
        assert identify("Banka kapital mila", "", "no such tag") == undeclared


@given(st.text(max_size=400), st.text(max_size=400), st.none() | st.sampled_from(["ar", "en", "x"]))
@settings(max_examples=60)
def test_any_text_has_an_answer(title: str, text: str, declared: str | None) -> None:
    found = identify(title, text, declared)
    assert re.fullmatch("[a-z]{2,3}", found.tag) or found.tag == declared
    assert 0.0 <= found.confidence <= 1.0
    assert identify(title, text, declared) == found
