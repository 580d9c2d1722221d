"""A mention: one place of an issue where a link stands."""

from dataclasses import dataclass

from newsletter_mailer.findings import Place


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A link as a reader meets it.

    `url` is the target as the tree holds it, `words` what the reader sees (the URL itself
    where nothing else is shown), `article` the id of the article it stands in.
    """

    place: Place
    url: str
    words: str
    article: str
