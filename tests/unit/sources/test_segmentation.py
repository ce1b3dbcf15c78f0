"""One page, several items: what ends a story, what does not, what is never lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.sources.cues import fold, heads_others, is_notice, sign_off
from streams.sources.segmentation import FEATURES, WEIGHTS, features, find_cut, lead_of, segment_paragraphs

PAGES = Path(__file__).parents[2] / "data" / "pages"


def page(name: str) -> list[str]:
    return [line for line in (PAGES / name).read_text(encoding="utf-8").split("\n") if line.strip()]


AR, TR, EN = page("ar_four_teasers.txt"), page("tr_heading_over_teasers.txt"), page("en_one_story.txt")


def test_an_agency_page_gives_its_story_and_four_teasers() -> None:
    main, *teasers = segment_paragraphs(AR)
    assert (main.kind, main.title) == ("main", AR[0])
    assert main.text == "\n".join(AR[1:7])
    assert main.text.endswith("(ÖRHA)")
    assert [t.text for t in teasers] == AR[8:]
    assert {t.kind for t in teasers} == {"teaser"}
    assert all(t.text.startswith(t.title.rstrip("…")) for t in teasers)
    assert "the sign-off (ÖRHA) ends the story" in main.reason
    assert 0.9 < main.confidence < 1


def test_a_heading_over_other_stories_and_a_notice_are_in_no_item() -> None:
    main, rize, izmir = segment_paragraphs(TR)
    assert main.text == "\n".join(TR[1:5])
    assert (rize.title, rize.text) == (TR[6], TR[7])
    assert izmir.text == TR[8]


def test_without_any_sign_the_words_alone_cut_where_they_are_clear() -> None:
    bare = [p.replace(" (ÖRHA)", "") for i, p in enumerate(AR) if i != 7]
    main, *teasers = segment_paragraphs(bare)
    assert main.text == "\n".join(bare[1:7])
    assert len(teasers) == 4
    assert main.reason == "what follows shares hardly a word with the story"
    assert len(segment_paragraphs(bare, by_words=False)) == 1


@pytest.mark.parametrize(
    "clean", [EN, AR[:7], TR[:5], EN[:2], EN[:1], [*EN, "A photograph of the train hangs in the mayor's office."]]
)
def test_a_story_alone_loses_nothing(clean: list[str]) -> None:
    (only,) = segment_paragraphs(clean)
    assert only.text == "\n".join(clean[1:] if len(clean) > 1 else clean)


@pytest.mark.parametrize("at", [2, 3, 5])
def test_a_sign_off_in_the_middle_of_a_story_does_not_end_it(at: int) -> None:
    marked = [p + " (AFP)" if i == at else p for i, p in enumerate(EN)]
    (only,) = segment_paragraphs(marked)
    assert only.text == "\n".join(marked[1:])
    if at < len(EN) - 1:
        assert "but what follows shares its words" in only.reason


def test_a_story_about_copyright_is_no_notice() -> None:
    story = [
        "Parliament passes a new copyright law after ten years of debate",
        "Parliament passed a copyright law on Monday that gives photographers rights in news photos used online.",
        "The law says that news photos may not be republished without permission. Publishers said the rights of readers were forgotten.",
        "Photographers welcomed the law. Their union had asked parliament for these rights in news photos since 2016.",
    ]
    (only,) = segment_paragraphs(story)
    assert only.text == "\n".join(story[1:])


def test_only_a_notice_leaves_its_text() -> None:
    notice = "All rights reserved. Nothing on this page may be redistributed without permission. Notice of 2026."
    (only,) = segment_paragraphs([notice])
    assert only.text == notice


def test_short_lines_are_the_headlines_of_what_follows() -> None:
    segments = segment_paragraphs([*AR[:8], "عنوان خبر آخر", AR[8], "عنوان بلا خبر"])
    assert [(s.title, s.text) for s in segments[1:]] == [("عنوان خبر آخر", AR[8]), ("عنوان بلا خبر", "عنوان بلا خبر")]


def test_nothing_gives_nothing() -> None:
    assert segment_paragraphs([]) == []
    assert segment_paragraphs(["", "  "]) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(AR + TR + EN), st.text('abc خبر. (AFP)"', max_size=80)), max_size=12))
def test_every_paragraph_is_in_one_item_or_a_notice_or_a_heading(paragraphs: list[str]) -> None:
    kept = [p.strip() for p in paragraphs if p.strip()]
    segments = segment_paragraphs(paragraphs)
    found = [line for s in segments for line in (s.title, *s.text.split("\n"))]
    for paragraph in kept:
        assert paragraph in found or is_notice(paragraph) or heads_others(paragraph)
    assert all(s.title and s.text and 0 <= s.confidence < 1 for s in segments)


def test_the_shipped_weights_are_of_these_features() -> None:
    assert len(WEIGHTS.coefficients) == len(FEATURES) == len(features(AR)[0])
    assert all(len(row) == len(FEATURES) for row in features(EN))


def test_a_cut_is_told_by_its_place() -> None:
    assert find_cut(AR).place == 7
    assert find_cut(EN).place == len(EN)


@pytest.mark.parametrize(
    "notice",
    [
        AR[7],
        TR[9],
        "جميع الحقوق محفوظة لموقع المثال © 2026",
        "لا يجوز نسخ المواد المنشورة دون إذن، وحقوقها لأصحابها.",
        "© 2026 Example News. All rights reserved.",
        "This material may not be published, rewritten or redistributed. Copyright 2026 Example.",
        "Tüm hakları saklıdır. İzinsiz ve kaynak gösterilmeden haberler kullanılamaz.",
        "Alle Rechte vorbehalten. Inhalte dürfen nicht ohne schriftliche Zustimmung verwendet werden.",
    ],
)
def test_notices_are_known(notice: str) -> None:
    assert is_notice(notice)


@pytest.mark.parametrize(
    "paragraph",
    [
        *AR[:7],
        *TR[:5],
        *EN,
        "The committee on human rights said that the detainees may not be held without permission of a court.",
        "قال المحامي إن حقوق العمال محفوظة في القانون الجديد، وإن تطبيقه يبدأ في الشهر المقبل في جميع المصانع، وعلى أصحابها أن يوفقوا أوضاعهم قبل ذلك.",
        "Notice: the bridge is closed on Sunday.",
        "x" * 901 + " all rights reserved may not be redistributed content",
    ],
)
def test_stories_are_no_notices(paragraph: str) -> None:
    assert not is_notice(paragraph)


@pytest.mark.parametrize(
    ("paragraph", "agency"),
    [
        ("انتهى الحفل. (İLKHA)", "İLKHA"),
        ("It ended. (AFP)", "AFP"),
        ("Bitti. [DHA].", "DHA"),
        ("انتهى. (رويترز)", "رويترز"),
        ("It ended. (AP/AFP) -", "AP/AFP"),
        ("The agency (WHO) said so.", None),
        ("It ended (finally)", None),
        ("(AFP) It began.", None),
    ],
)
def test_sign_offs(paragraph: str, agency: str | None) -> None:
    assert sign_off(paragraph) == agency


def test_headings_over_other_stories_are_short_lines() -> None:
    assert heads_others("اقرأ أيضًا:")
    assert heads_others("İlgili Haberler")
    assert heads_others("You may also like")
    assert not heads_others(
        "Related stories " + "were told all evening long by the fishermen who had come home from the sea at last."
    )


def test_folding_joins_what_writers_exchange() -> None:
    assert fold("أإآٱ ى ة ک ؤ ئ") == "اااا ي ه ك و ي"
    assert fold("كِتابٌ ـــ") == "كتاب "
    assert fold("İSTANBUL Iğdır") == "istanbul igdir"


def test_a_lead_is_a_sentence_or_its_beginning() -> None:
    assert lead_of("One. Two.") == "One."
    assert lead_of("word " * 60).endswith("word…")
