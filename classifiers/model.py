"""A loaded model: the one way from an item to the verdicts on its topics and regions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classifiers import language
from classifiers.artefact import ArtefactError, verify
from classifiers.contract import Document, Item
from classifiers.encoder import TIER
from classifiers.regions import load_regions
from classifiers.text import tokenise
from classifiers.topic_files import load_topics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifiers.artefact import Manifest
    from classifiers.contract import Classifier
    from classifiers.encoder import Quality

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

    def prepare(self, items: Sequence[Item]) -> list[Document]:
        """Items made ready for both classifiers, in order: language and words, once."""
        return [prepare(item) for item in items]


def prepare(item: Item) -> Document:
    """Identify the language of one item and cut its words. Depends on the item alone."""
    declared = (item.declared_language or "").partition("-")[0].lower()
    found = language.identify(item.title, item.text, declared or None)
    return Document(item, found.tag, found.confidence, *tokenise(item.title, item.text))


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
        regions = load_regions(directory)
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{directory}: the region files do not fit this program ({error})") from error
    language.warm_up()
    model = Model(manifest.name, manifest.version, manifest, topics, regions)
    documents = model.prepare([_WARM_UP])
    model.topics.classify(documents)
    model.regions.classify(documents)
    return model
