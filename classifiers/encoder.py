"""The second tier: a small multilingual text encoder, fine-tuned for the topics, and how its answer joins the first's.

Six transformer layers, 384 wide, int8, run by onnxruntime from files of the artefact; nothing comes from the network.
A product takes one activation scale for all rows of a call, so a row's answer would change with its neighbours by up to
.19. It is therefore run on one item at a time: the scale is then the item's own, nothing is padded, and on one thread
that is as fast as batches of 32 (61 against 54 items/s). What bounds it: a billion int8 multiplications an item, which
onnxruntime does at 72 % of the processor's measured peak, in 6 of 8.6 ms. CTranslate2 and OpenVINO, with a scale a row,
were no faster (.89 and .97 of onnxruntime's speed before its graph was written anew).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
import numpy as np

from classifiers.artefact import ArtefactError
from classifiers.text import TITLE_CHARACTERS
from classifiers.word_pieces import WordPieces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifiers.contract import Document, Item

Quality = Literal["fast", "balanced", "best"]

GRAPH_FILE = "encoder.onnx"
TOKENIZER_FILE = "encoder.tokenizer.json"
NUMBERS_FILE = "encoder.json"
TWIN = "twin"  # folder beside a trained encoder that knows the dev items: the same of one that does not
TIER = "encoder"
ENCODER_WORD = "[encoder]"  # stands among the words of an explanation for what this tier changed: it reads the whole

# 96 pieces are about 330 letters of Arabic, 400 of Turkish or English; 64 pieces lose .013 on unseen publishers.
PIECES = 96
_LETTERS_A_PIECE = 6  # no language has more on average; what is behind 96 * 6 letters is cut away by the pieces anyway
# Letters of title and text under which an item is a headline: the linear tier is right on .60 of such items, the
# encoder on .70; over 200 letters they are equal.
HEADLINE_LETTERS = 200


class Blend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How both tiers make one answer (`blended`), and from where on its probabilities count."""

    linear: float  # 0: the encoder decides alone
    encoder: float
    first: float  # least probability of the first label; under it the model abstains
    second: float  # least strength of a label after the first (`calibration.second_strength`)


class Mixture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One language."""

    article: Blend
    headline: Blend  # for items under HEADLINE_LETTERS
    always: bool  # the linear model of this language is weak: `balanced` asks the encoder for every item


class Numbers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """encoder.json."""

    origin: str  # whose weights these are, and their licence
    codes: list[str]  # label of each output, in order
    pieces: int
    languages: dict[str, Mixture]
    learned_dev: str = ""  # digest of the dev items that the encoder has learned too (`dataset.digest`)


class Reading(NamedTuple):
    """What the encoder makes of documents; a row depends on its document alone, to the last bit."""

    logarithms: NDArray[np.float64]  # (documents, labels), of probabilities
    vectors: list[bytes]  # of each document: the mean of the last layer over the pieces, float32


@dataclass(slots=True)
class Encoder:
    """The loaded network. Safe to use from several threads; onnxruntime leaves the interpreter while it computes."""

    numbers: Numbers
    session: Any
    pieces: WordPieces

    def read(self, documents: Sequence[Document]) -> Reading:
        """One row and one vector a document, in order."""
        found = np.zeros((len(documents), len(self.numbers.codes)))
        vectors = []
        for row, document in enumerate(documents):
            ids = self.pieces.of(text_of(document.item))
            logits, vector = self.session.run(["logits", "mean"], {"ids": np.array([ids], np.int64)})
            found[row] = logits[0]
            vectors.append(vector.tobytes())
        found -= found.max(axis=1, keepdims=True)
        return Reading(np.asarray(found - np.log(np.exp(found).sum(axis=1, keepdims=True))), vectors)


def text_of(item: Item) -> str:
    """What the encoder reads, in the form that it was trained on: `title. lead`. Always valid Unicode."""
    title, text = title_of(item), lead_of(item)
    text = f"{title}. {text}".rstrip() if title else text  # a blank at the end would be a piece of its own
    # The tokenizer takes UTF-8, in which half a surrogate pair cannot be written.
    return text.encode(errors="replace").decode()


def lead_of(item: Item) -> str:
    """The letters of the text that can be among the pieces read."""
    return item.text[: _LETTERS_A_PIECE * PIECES]


def title_of(item: Item) -> str:
    """The title; nothing where it is the opening of the text once more.

    Teasers of a page come with such titles. Said twice, the opening drives the end of a short text, which may be what
    it is about, beyond the last piece.
    """
    title = item.title[:TITLE_CHARACTERS].strip()
    return "" if item.text.lstrip().startswith(title.rstrip("….").rstrip()) else title


def route(item: Item, mixture: Mixture, quality: Quality, *, uncertain: bool) -> Blend | None:
    """How the encoder joins in the answer for one item; None where the linear tier answers alone.

    fast: never. balanced: for headlines, for languages whose linear model is weak, and where the linear tier is
    `uncertain`. best: always.
    """
    headline = len(title_of(item)) + len(item.text) < HEADLINE_LETTERS
    if quality == "fast" or (quality == "balanced" and not (headline or mixture.always or uncertain)):
        return None
    return mixture.headline if headline else mixture.article


def blended(
    linear: NDArray[np.float64], encoder: NDArray[np.float64], linear_power: float, encoder_power: float
) -> NDArray[np.float64]:
    """Probabilities of shape (items, labels): linear ** `linear_power` * exp(encoder) ** `encoder_power`, normalised.

    Args:
        linear: calibrated probabilities of the linear tier.
        encoder: logarithms of the encoder's probabilities.
        linear_power: both tiers learned the same labels, so the plain product counts twice what they agree on
            (expected calibration error .105; .039 with fitted powers).
        encoder_power: the same.

    """
    logarithms = linear_power * np.log(np.maximum(linear, 1e-12)) + encoder_power * encoder
    powers = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def open_network(graph: Path, tokenizer: Path, numbers: Numbers) -> Encoder:
    """Load graph and tokenizer, one thread of computing. Raises ArtefactError where they do not fit together."""
    import onnxruntime  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415  50 MB that a worker of quality "fast" does not need
    from tokenizers import Tokenizer  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # a worker has one core
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        pieces = WordPieces(Tokenizer.from_file(str(tokenizer)), numbers.pieces)
        encoder = Encoder(numbers, session, pieces)
        _check(session, len(numbers.codes))
    except Exception as error:  # both libraries raise plain Exception, and types of their own, for bad files
        raise ArtefactError(f"{graph.parent}: the encoder's files do not fit this program ({error})") from error
    return encoder


def _check(session: Any, labels: int) -> None:
    inputs = sorted(one.name for one in session.get_inputs())
    widths = {one.name: one.shape[-1] for one in session.get_outputs()}
    if inputs != ["ids"] or widths.get("logits") != labels or "mean" not in widths:
        raise ValueError(f"inputs {inputs}, widths {widths}; wanted ids, logits of {labels} and mean")


def read_numbers(directory: Path) -> Numbers:
    """Read encoder.json. Raises ArtefactError where it is of another form."""
    try:
        return msgspec.json.decode((directory / NUMBERS_FILE).read_bytes(), type=Numbers)
    except (OSError, msgspec.MsgspecError) as error:
        raise ArtefactError(f"{directory}: {NUMBERS_FILE} does not fit this program ({error})") from error


def load_encoder(directory: Path) -> Encoder:
    """Load the encoder of a folder that `artefact.verify` has passed. Raises ArtefactError where it cannot be used."""
    return open_network(directory / GRAPH_FILE, directory / TOKENIZER_FILE, read_numbers(directory))
