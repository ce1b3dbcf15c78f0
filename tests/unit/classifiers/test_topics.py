from __future__ import annotations

from dataclasses import replace

import pytest

from classifiers.contract import AbstainReason, Decision, Document, Item
from classifiers.dataset import Example
from classifiers.model import Model, prepare
from classifiers.topic_train import source_folds
from classifiers.topics import MOST_TOPICS, Rule, TopicClassifier


def verdict_of(model: Model, title: str, text: str = ""):
    return model.topics.classify(model.prepare([Item(title, text)]))[0]


def with_thresholds(model: Model, **changed: float) -> TopicClassifier:
    topics = model.topics
    assert isinstance(topics, TopicClassifier)
    models = {
        language: replace(linear, thresholds=replace(linear.thresholds, **changed))
        for language, linear in topics.models.items()
    }
    return TopicClassifier("1", topics.codes, models)


class TestShipped:
    """The shipped model on items of our own, which it has never seen."""

    @pytest.mark.parametrize(("language", "least"), [("ar", 0.80), ("tr", 0.88), ("en", 0.80)])
    def test_main_topics_of_the_sample(
        self, shipped_model: Model, examples: list[Example], language: str, least: float
    ) -> None:
        some = [example for example in examples if example.language == language]
        verdicts = shipped_model.topics.classify(shipped_model.prepare([example.item for example in some]))
        right = [verdict.scores[0].code == example.topics[0] for verdict, example in zip(verdicts, some, strict=True)]
        assert sum(right) / len(right) >= least

    @pytest.mark.parametrize(
        ("title", "code"),
        [
            ("Zelzele Erzincan'da evleri yıktı, kurtarma ekipleri enkazda", "03000000"),
            ("البنك المركزي يرفع سعر الفائدة والأسهم تتراجع", "04000000"),
            ("Midfielder scores twice as champions win the cup final", "15000000"),
            ("Bundestag wählt neuen Kanzler nach Streit in der Koalition", "11000000"),
            ("El equipo ganó el partido con dos goles del delantero", "15000000"),
        ],
    )
    def test_a_headline(self, shipped_model: Model, title: str, code: str) -> None:
        assert verdict_of(shipped_model, title).scores[0].code == code

    def test_letters_in_no_order_are_no_news(self, shipped_model: Model) -> None:
        noise = "ةلقثص ضرغيأ بمنخع زكىيطف قحلإج شتهدو ظذغرب سكعمث ليةضخ إفزقح " * 4
        verdict = verdict_of(shipped_model, "", noise)
        assert (verdict.decision, verdict.reason) == (Decision.ABSTAINED, AbstainReason.NOT_NEWS)

    def test_explains_by_words_that_stand_in_the_text(self, shipped_model: Model) -> None:
        [document] = shipped_model.prepare([Item("Deprem Malatya'yı salladı", "AFAD enkazda arama kurtarma yapıyor.")])
        [verdict] = shipped_model.topics.classify([document])
        evidence = shipped_model.topics.explain(document, verdict)
        assert evidence[0].code == verdict.labels[0].code == "03000000"
        assert evidence[0].word == "Deprem"
        assert evidence[0].weight > 0
        tokens = set(document.title_tokens + document.text_tokens)
        assert all(one.word in tokens for one in evidence)


class TestSmall:
    def test_labels_come_from_the_examples(self, small_model: Model) -> None:
        labels = {label.code: label for label in small_model.manifest.labels}
        assert len(labels) == 17
        assert labels["15000000"].slug == "sport"  # from the table
        assert labels["11000000"].slug == "11000000"  # not in it: names itself

    def test_reads_its_training_data(self, small_model: Model, examples: list[Example]) -> None:
        seen = [example for example in examples if example.split == "train"]
        verdicts = small_model.topics.classify(small_model.prepare([example.item for example in seen]))
        right = [
            verdict.scores[0].code == example.topics[0]
            for verdict, example in zip(verdicts, seen, strict=True)
            if verdict.scores
        ]
        assert sum(right) / len(right) > 0.95

    def test_low_confidence_keeps_its_scores(self, small_model: Model) -> None:
        document = prepare(Item("Milli voleybol takımı İtalya'yı 3-1 yendi", "Antrenör oyuncularını kutladı."))
        [sure] = small_model.topics.classify([document])
        [verdict] = with_thresholds(small_model, first=0.999).classify([document])
        assert (sure.decision, verdict.decision) == (Decision.ASSIGNED, Decision.ABSTAINED)
        assert verdict.reason is AbstainReason.LOW_CONFIDENCE
        assert verdict.labels == ()
        assert verdict.scores == sure.scores
        assert verdict.scores[0].probability < verdict.threshold == 0.999

    def test_explains_nothing_without_a_label(self, small_model: Model) -> None:
        document = prepare(Item("", ""))
        [verdict] = small_model.topics.classify([document])
        assert verdict.reason is AbstainReason.TOO_SHORT
        assert small_model.topics.explain(document, verdict) == []

    def test_takes_the_language_of_the_document(self, small_model: Model) -> None:
        document = prepare(Item("Milli voleybol takımı İtalya'yı 3-1 yendi", "Antrenör oyuncularını kutladı."))
        other = Document(document.item, "sw", 1.0, document.title_tokens, document.text_tokens)
        verdicts = small_model.topics.classify([document, other])
        assert verdicts[0].reason is None
        assert verdicts[1].reason is AbstainReason.UNSUPPORTED_LANGUAGE


@pytest.mark.parametrize(
    ("probabilities", "count"),
    [
        ([0.64, 0.25, 0.10, 0.0, 0.0], 2),  # .64 ** 1.5 is .512: a further label needs .195
        ([0.64, 0.19, 0.17, 0.0, 0.0], 1),
        ([0.49, 0.30, 0.20, 0.01, 0.0], 2),  # .49 ** 1.5 is .343: .292
        ([0.49, 0.30, 0.295, 0.01, 0.0], MOST_TOPICS),
        ([0.25, 0.25, 0.25, 0.25, 0.0], 1),  # spread thin
        ([0.19, 0.19, 0.19, 0.19, 0.19], 0),
        ([0.20, 0.19, 0.19, 0.19, 0.19], 1),
    ],
)
def test_how_many_topics(small_model: Model, probabilities: list[float], count: int) -> None:
    topics = small_model.topics
    assert isinstance(topics, TopicClassifier)
    verdict = topics._verdict(list(range(5)), probabilities, Rule("linear", first=0.2, second=0.1))
    assert [label.probability for label in verdict.labels] == probabilities[:count]
    assert len(verdict.scores) == 5
    assert (verdict.reason is AbstainReason.LOW_CONFIDENCE) == (count == 0)


class TestSourceFolds:
    def make(self, *sources: str) -> list[Example]:
        return [
            Example(f"{source}-{at}", "en", "", "", ("1",), (), source, "train") for at, source in enumerate(sources)
        ]

    def test_a_source_lies_in_one_fold(self) -> None:
        examples = self.make(*["a"] * 50, *["b"] * 40, *["c"] * 30, *["d"] * 20, *["e"] * 10, *["f"] * 5)
        folds = source_folds(examples)
        for source in "abcdef":
            assert len({fold for fold, one in zip(folds, examples, strict=True) if one.source == source}) == 1
        assert len(set(folds.tolist())) == 5

    def test_a_dominant_source_is_dealt(self) -> None:
        examples = self.make(*["a"] * 200, *["b"] * 20)
        folds = source_folds(examples)
        assert len({fold for fold, one in zip(folds, examples, strict=True) if one.source == "a"}) == 5
        assert len({fold for fold, one in zip(folds, examples, strict=True) if one.source == "b"}) == 1
