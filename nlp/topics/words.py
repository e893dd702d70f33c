"""What a topic is about: c-TF-IDF words that are told together, and a label. Uses BERTopic.

References
----------
Grootendorst (2022), BERTopic: Neural topic modeling with a class-based TF-IDF procedure,
arXiv:2203.05794.
"""

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from nlp.headlines import PLAIN
from nlp.topics.coherence import npmi
from nlp.topics.consensus import OUTSIDE, Labels
from nlp.topics.neighbours import Floats

if TYPE_CHECKING:
    from bertopic import BERTopic

WORDS = 10
# No word of a language, but of an address or a code; it would be a label of that length.
_LONGEST = 40
# c-TF-IDF words among which those that are told together are chosen.
_POOL = 25
# What a word counts for that shares no story with those before it.
_ALONE = 0.1
# Among more stories than these, a word of one alone is left out.
_MANY = 500
_IN_LABEL = 4
_CJK = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_TOKEN = re.compile(r"[^\W\d_](?:[\w'’.&-]*\w)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A topic in words.

    Attributes
    ----------
    words : sequence of (str, float)
        At most ten; with their c-TF-IDF.
    npmi : float or None
        Coherence of these words over the window's residual stories.
    """

    label: str
    words: Sequence[tuple[str, float]]
    npmi: float | None


def describe(
    texts: Sequence[str], labels: Labels, vectors: Floats, *, language: str
) -> dict[int, Described]:
    """Return what each group is about.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        -1 outside.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    if not (labels >= 0).any():
        return {}
    words_of = _Analyzer(language)
    told = Counter(word for text in texts for word in set(words_of(text)))
    least = 2 if len(texts) > _MANY else 1
    if max(told.values(), default=0) < least:
        # Pictures and numbers alone: there are groups, and nothing to call them by.
        nothing = Described(label=_label([], Counter()), words=[], npmi=None)
        return {int(number): nothing for number in np.unique(labels[labels >= 0])}
    model = _fitted(texts, labels, vectors, CountVectorizer(analyzer=words_of, min_df=least))
    present = (model.vectorizer_model.transform(texts) > 0).astype(np.float32)
    column = {word: int(place) for word, place in model.vectorizer_model.vocabulary_.items()}
    surfaces = _surfaces(texts, labels)
    found = {}
    # BERTopic numbers topics anew, by size.
    numbers = dict(zip(labels.tolist(), model.topics_, strict=True))
    for number in sorted(numbers.keys() - {OUTSIDE}):
        topic = model.get_topic(numbers[number])
        words = [(word, round(float(weight), 5)) for word, weight in topic if word]
        names = [word for word, _ in words]
        coherence = npmi(names, column, present)
        found[number] = Described(
            label=_label(names, surfaces[number]),
            words=words,
            npmi=None if coherence is None else round(coherence, 4),
        )
    return found


def _fitted(texts: Sequence[str], labels: Labels, vectors: Floats, counted: Any) -> "BERTopic":
    """Return BERTopic over groups that stand: its "manual" mode.

    Everything but the words was decided before (`nlp.topics.consensus`): fits of its own have
    other groups with each seed.
    """
    from bertopic import BERTopic
    from bertopic.backend import BaseEmbedder
    from bertopic.cluster import BaseCluster
    from bertopic.dimensionality import BaseDimensionalityReduction
    from bertopic.vectorizers import ClassTfidfTransformer

    model = BERTopic(
        embedding_model=BaseEmbedder(),
        umap_model=BaseDimensionalityReduction(),
        hdbscan_model=BaseCluster(),
        vectorizer_model=counted,
        ctfidf_model=ClassTfidfTransformer(),
        representation_model=_told_together(),
        top_n_words=_POOL,
    )
    # A level would not last: it sets its own as it goes.
    logging.getLogger("BERTopic").disabled = True
    model.fit_transform(list(texts), embeddings=vectors, y=labels)
    return model


@dataclass(frozen=True, slots=True)
class _Analyzer:
    """Words of a text, without those that say nothing; Chinese as pairs of characters."""

    language: str

    def __call__(self, text: str) -> list[str]:
        if self.language == "zh":
            pairs = [run[at : at + 2] for run in _CJK.findall(text) for at in range(len(run) - 1)]
            return [*pairs, *_words(text)]
        return _words(text)


def _words(text: str) -> list[str]:
    plain = _plain()
    found = [_bare(token) for token in _tokens(text)]
    return [word for word in found if 1 < len(word) <= _LONGEST and word not in plain]


def _tokens(text: str) -> list[str]:
    """Return what is written between blanks and marks; Chinese is a mark here."""
    tokens: list[str] = _TOKEN.findall(_CJK.sub(" ", text))
    return tokens


def _bare(token: str) -> str:
    """Return a token in lower case, without the genitive."""
    return token.casefold().replace("’", "'").removesuffix("'s")


@cache
def _plain() -> frozenset[str]:
    """Return words that any text has."""
    from spacy.lang.en.stop_words import STOP_WORDS

    return PLAIN | STOP_WORDS


def _told_together() -> Any:
    """Return a representation of BERTopic: c-TF-IDF words of which many stories have several.

    The first is the one with the highest c-TF-IDF; each next one the word whose c-TF-IDF,
    weighed by how often it shares a story with those chosen, is highest.
    """
    from bertopic.representation import BaseRepresentation

    class ToldTogether(BaseRepresentation):  # type: ignore[misc]
        def extract_topics(
            self,
            topic_model: Any,
            documents: Any,
            c_tf_idf: Any,
            topics: Mapping[int, list[tuple[str, float]]],
        ) -> Mapping[int, list[tuple[str, float]]]:
            present = topic_model.vectorizer_model.transform(documents["Document"]) > 0
            column = topic_model.vectorizer_model.vocabulary_
            numbers = documents["Topic"].to_numpy()
            return {
                number: _chosen(
                    [pair for pair in words if pair[0]], column, present[numbers == number]
                )
                for number, words in topics.items()
            }

    return ToldTogether()


def _chosen(
    words: Sequence[tuple[str, float]], column: Mapping[str, int], present: Any
) -> list[tuple[str, float]]:
    if not words:
        return []
    held = present[:, [column[word] for word, _ in words]].astype(np.float64)
    together = np.asarray((held.T @ held).todense())
    alone = np.maximum(np.diag(together), 1)
    likeness = together / np.sqrt(np.outer(alone, alone))
    weight = np.array([value for _, value in words])
    # A word of a single story says nothing of the others.
    weight = np.where((alone > 1) | (present.shape[0] < 3), weight, weight * _ALONE)
    chosen = [int(weight.argmax())]
    while len(chosen) < min(WORDS, len(words)):
        gain = weight * (_ALONE + likeness[:, chosen].mean(axis=1))
        gain[chosen] = -1
        chosen.append(int(gain.argmax()))
    return [words[place] for place in chosen]


def _surfaces(texts: Sequence[str], labels: Labels) -> dict[int, Counter[tuple[str, str]]]:
    """Return by group how often each word was written in each way."""
    found: dict[int, Counter[tuple[str, str]]] = {}
    for text, label in zip(texts, labels, strict=True):
        if label >= 0:
            tokens = _tokens(text)
            counter = found.setdefault(int(label), Counter())
            counter.update(
                (_bare(token), token.removesuffix("'s").removesuffix("’s")) for token in tokens
            )
    return found


def _label(words: Sequence[str], surfaces: Counter[tuple[str, str]]) -> str:
    """Return the first words as they are mostly written: ``Mamdani, Cuomo, mayor, race``."""
    best: dict[str, tuple[int, str]] = {}
    for (word, surface), n in sorted(surfaces.items()):
        # Of two ways that are as common, the one with upper case: it sorts first.
        if n > best.get(word, (0, ""))[0]:
            best[word] = (n, surface)
    return ", ".join(best.get(word, (0, word))[1] for word in words[:_IN_LABEL]) or "no words"
