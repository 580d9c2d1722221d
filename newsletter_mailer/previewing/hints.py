"""Hints about the writing: how hard it is to read, and where sentences are long.

They are never findings: a hint stops nothing, and an editor may well know better.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from newsletter_mailer.findings import Place, brief
from newsletter_mailer.reading.document import (
    Actions,
    Article,
    Facts,
    Inlines,
    Paragraph,
    walk,
)
from newsletter_mailer.reading.inline import plain_text

LONGEST_SENTENCE = 25
"""Words. GOV.UK's content guidance: split sentences of more than 25 words."""

_AGE_AT_GRADE_NOUGHT = 5
_FEWEST_WORDS = 100
"""Fewer words than these say nothing about how hard a text is."""

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9])")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|e\.g|i\.e|etc|vs|p|pp)\.$", re.IGNORECASE)
_VOWELS = re.compile(r"[aeiouy]+")


@dataclass(frozen=True, slots=True)
class LongSentence:
    """A sentence that may be hard to follow, and how many words it has."""

    place: Place
    words: int
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text reads: the age at which it is easy, and its long sentences.

    `age` is the school grade of Flesch and Kincaid (1975) and five years, an estimate; None
    for a text too short to judge.
    """

    age: int | None
    long: tuple[LongSentence, ...]


def reading_of(articles: Iterable[Article]) -> Reading:
    """How articles read, taken together."""
    sentences = [
        (place, sentence)
        for article in articles
        for place, text in _prose(article)
        for sentence in _sentences(text)
    ]
    counted = [(place, text, _WORD.findall(text)) for place, text in sentences]
    words = [word for _, _, found in counted for word in found]
    long = tuple(
        LongSentence(place, len(found), brief(text, 90))
        for place, text, found in counted
        if len(found) > LONGEST_SENTENCE
    )
    number = len([found for _, _, found in counted if found])
    return Reading(_age(words, number), long)


def _age(words: list[str], sentences: int) -> int | None:
    if len(words) < _FEWEST_WORDS:
        return None
    syllables = sum(map(_syllables, words))
    grade = 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59
    return max(_AGE_AT_GRADE_NOUGHT, round(grade) + _AGE_AT_GRADE_NOUGHT)


def _syllables(word: str) -> int:
    """About how many syllables an English word has: its groups of vowels, less a mute e."""
    word = word.lower()
    mute = word.endswith("e") and not word.endswith(("le", "ee"))
    return max(1, len(_VOWELS.findall(word)) - mute)


def _prose(article: Article) -> Iterator[tuple[Place, str]]:
    """What an article says in sentences, and where."""
    for block in walk(article.blocks):
        match block:
            case Paragraph(content=content):
                yield block.place, _flat(content)
            case Facts(items=items):
                for item in items:
                    yield block.place, _flat(item)
            case Actions(actions=actions):
                for action in actions:
                    yield action.place, _flat(action.content)
            case _:
                pass


def _flat(content: Inlines) -> str:
    return " ".join(plain_text(content).split())


def _sentences(text: str) -> Iterator[str]:
    begin = 0
    for end in _SENTENCE_END.finditer(text):
        if not _ABBREVIATION.search(text[begin : end.start()]):
            yield text[begin : end.start()]
            begin = end.end()
    yield text[begin:]
