"""A loaded model: the one way from an item to the verdicts on its topics and regions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from classifiers import language
from classifiers.artefact import ArtefactError, verify
from classifiers.contract import Codes, Document, Item, passed_on
from classifiers.encoder import GRAPH_FILE, TIER
from classifiers.regions import load_regions
from classifiers.text import tokenise
from classifiers.topic_files import load_topics
from classifiers.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifiers.artefact import Manifest
    from classifiers.contract import Classifier, Verdict
    from classifiers.encoder import Quality
    from classifiers.regions import Regions
    from classifiers.topics import TopicClassifier

SHIPPED = Path(__file__).parent / "models" / "newswire"
# One sentence a language that loads its tables and fills nothing: the first real batch must not pay for them.
_WARM_UP = Item("Warm-up", "The model reads one sentence before the first item comes.")


@dataclass(slots=True)
class Model:
    """Both classifiers of one artefact. Safe to use from several threads; loads nothing after it is made."""

    name: str
    version: str
    manifest: Manifest
    topics: Classifier
    regions: Classifier
    words: Mapping[str, Words] = field(default_factory=dict)  # of each language that both classifiers know

    def prepare(self, items: Sequence[Item]) -> list[Document]:
        """Items made ready for both classifiers, in order: language and words, once."""
        return [prepare(item, self.words) for item in items]

    def classify(self, documents: Sequence[Document]) -> tuple[list[Verdict], list[Verdict]]:
        """The verdicts on topics and on regions, one of each a document, in order."""
        topics = self.topics.classify(documents)
        return topics, self.regions.classify(passed_on(documents, topics))


def prepare(item: Item, words: Mapping[str, Words] | None = None) -> Document:
    """Identify the language of one item, cut its words and look them up. Depends on the item alone.

    `words` are those of each language; without them each classifier looks the words up for itself.
    """
    declared = (item.declared_language or "").partition("-")[0].lower()
    found = language.identify(item.title, item.text, declared or None)
    title, text = tokenise(item.title, item.text)
    known = words.get(found.tag) if words else None
    codes = Codes(known, known.look_up(title), known.look_up(text)) if known is not None else None
    return Document(item, found.tag, found.confidence, title, text, codes)


def share_words(topics: TopicClassifier, regions: Regions) -> dict[str, Words]:
    """Let both classifiers look words up in one place, in the languages that both know."""
    shared: dict[str, Words] = {}
    for tag in sorted(topics.models.keys() & regions.matchers.keys()):
        terms, matcher = topics.models[tag].terms, regions.matchers[tag]
        shared[tag] = Words(terms.columns_of, matcher.actions_of, terms.words.limit)
        terms.words = matcher.words = shared[tag]
    return shared


def load_model(directory: Path = SHIPPED, quality: Quality = "fast") -> Model:
    """Verify an artefact, load it and warm it up.

    Raises classifiers.artefact.ArtefactError where anything about it is wrong, before any file but the manifest is
    interpreted, or where `quality` needs an encoder and it has none. About 1 s and 300 MB for the shipped one.
    """
    manifest = verify(directory)
    if quality != "fast" and TIER not in manifest.tiers:
        raise ArtefactError(
            f"{directory}: quality {quality!r} needs a model with an encoder, and {manifest.name} {manifest.version} "
            f'has none: use quality "fast"'
        )
    topics = load_topics(directory, manifest.version, quality)
    codes = [label.code for label in manifest.labels]
    if list(topics.codes) != codes:
        raise ArtefactError(f"{directory}: the manifest's labels are not those of the topic files; train again")
    try:
        regions = load_regions(directory, manifest.files.get(GRAPH_FILE, ""))
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{directory}: the region files do not fit this program ({error})") from error
    language.warm_up()
    model = Model(manifest.name, manifest.version, manifest, topics, regions, share_words(topics, regions))
    model.classify(model.prepare([_WARM_UP]))
    return model
