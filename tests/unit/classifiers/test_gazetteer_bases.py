from __future__ import annotations

import pytest

from classifiers.gazetteer_bases import added, bases


@pytest.mark.parametrize(
    ("word", "surface", "language", "found"),
    [
        ("وبتركيا", "وبتركيا", "ar", ["بتركيا", "تركيا"]),
        ("للعراق", "للعراق", "ar", ["العراق", "لعراق"]),
        ("ايراني", "ایرانی", "fa", ["ايران"]),
        ("iraktaki", "Iraktaki", "tr", ["irak"]),
        ("iraktaki", "iraktaki", "tr", []),
        ("adana", "Adana", "tr", ["adan"]),
        ("paris", "Paris", "en", []),
    ],
)
def test_what_may_come_off(word: str, surface: str, language: str, found: list[str]) -> None:
    assert [base for base, _ in bases(word, surface, language)] == found


@pytest.mark.parametrize(
    ("word", "base", "rest"),
    [("بتركيا", "تركيا", "ب+"), ("iraktaki", "irak", "+taki"), ("للعراق", "العراق", "لل+")],
)
def test_what_came_off(word: str, base: str, rest: str) -> None:
    assert added(word, base) == rest
