"""Which links an issue has, where they stand, and which of them are fetched."""

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from newsletter_mailer.checking.links.mention import Mention
from newsletter_mailer.checking.links.mentions import mentions
from newsletter_mailer.checking.links.personal import is_personal, to_fetch
from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.findings import Place
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.settings import Settings
from tests.projects import FRONT, article, read, small_registry

KITCHEN_SINK = Path(__file__).parent / "fixtures" / "kitchen-sink" / "42-spring-2031"

EVERYWHERE = """\
Text with [a link](https://example.org/paragraph),
**strong [inside](https://example.org/strong)** on its second line.

## A [heading](https://example.org/heading)

- item
  1. [inner item](https://example.org/item)

> quoted [words](https://example.org/quotation)

::: quote
Said [so](https://example.org/quote).

-- [Somebody](https://example.org/attribution)
:::

::: quotes What [they](https://example.org/quotes) say
- A [remark](https://example.org/remark) -- [A reader](https://example.org/reader)
:::

::: facts Some [facts](https://example.org/facts)
- **1** [fact](https://example.org/fact)
:::

::: key-figures In [figures](https://example.org/figures)
|                                      | 2030 | 2031 |
|--------------------------------------|------|------|
| [Boats](https://example.org/figure)  | 1    | 2    |
:::

::: callout Mind [this rule](https://example.org/callout)
Inside [the box](https://example.org/box).

::: button
[Book it](https://example.org/button)
:::
:::

::: cards
### A [card](https://example.org/card)
With [text](https://example.org/panel).
:::

::: table The [caption](https://example.org/caption)
| A [column](https://example.org/column) | B |
|---|---|
| [cell](https://example.org/cell) | c |
:::

::: actions Do [these](https://example.org/actions)
- [gp] Read [the letter](https://example.org/action).
:::

::: only gp
For [surgeries](https://example.org/only).
:::

::: event
title: A day
dates: [2031-05-10]
book: https://example.org/event
:::

::: contact
name: The desk
email: desk@example.org
phone: "+44 1632 960 999"
link: https://example.org/contact
:::

::: resources
- name: Books
  offers: Reading
- name: Films
  offers: Watching
  link: https://example.org/resource
  more:
    - text: And more of it
      link: https://example.org/more
:::
"""


def links_of_readers(issue: Issue, registry: Registry, settings: Settings) -> set[tuple[str, str]]:
    """Targets and words, without white space, of what readers of all variants can press.

    The footer's own links and those to the newsletter's own pages are left out.
    """
    found: set[tuple[str, str]] = set()
    for email in Compiler(settings).compile(issue, registry):
        root = etree.fromstring(str(email.html), etree.HTMLParser())
        for link in root.iter("a"):
            target = link.get("href") or ""
            if target.startswith(("http", "mailto:", "tel:")):
                words = "".join(str(text) for text in link.itertext())
                found.add((target, "".join(words.split())))
    return {pair for pair in found if not pair[0].startswith(settings.base_url)} - footer(settings)


def footer(settings: Settings) -> set[tuple[str, str]]:
    """The links that the footer has in every mail."""
    office = settings.office
    return {(office.website, "Visitourwebsite"), (f"mailto:{office.email}", office.email)}


def gathered(issue: Issue) -> set[tuple[str, str]]:
    """Targets and words of the mentions, words without white space."""
    return {(mention.url, "".join(mention.words.split())) for mention in mentions(issue)}


def test_every_link_of_the_kitchen_sink_is_a_mention(
    registry: Registry, settings: Settings
) -> None:
    """What a reader can press is among the mentions, with the words that the reader sees."""
    issue = read_issue(KITCHEN_SINK, registry)[0]
    pressed = links_of_readers(issue, registry, settings)
    assert len(pressed) == 18
    assert not {(u, w) for u, w in pressed if "{{" not in w} - gathered(issue)
    assert {url for url, _ in pressed} == {url for url, _ in gathered(issue)}


def test_links_in_every_kind_of_place_are_mentions(tmp_path: Path, settings: Settings) -> None:
    """No kind of block, and no part of one, hides its links from the check."""
    issue, _ = read(tmp_path, {"news": article(EVERYWHERE)})
    pressed = links_of_readers(issue, small_registry(), settings)
    assert len(pressed) == EVERYWHERE.count("https://") + len(["mailto:", "tel:"])
    assert gathered(issue) == pressed
    assert {mention.article for mention in mentions(issue)} == {"news"}


def test_shipped_links_are_mentions(
    shipped: dict[int, Issue], registry: Registry, settings: Settings
) -> None:
    """In the shipped issues nothing is missing, and nothing is gathered that is not there."""
    for issue in shipped.values():
        pressed = links_of_readers(issue, registry, settings)
        assert pressed == gathered(issue) - footer(settings)


def test_mentions_know_their_lines(tmp_path: Path) -> None:
    """Links in text have their own line, those in a form the line of its block or item."""
    issue, _ = read(tmp_path, {"news": article(EVERYWHERE)})
    lines = {mention.url.rpartition("/")[2]: mention.place.line for mention in mentions(issue)}
    body = EVERYWHERE.splitlines()

    def line(needle: str) -> int:
        return next(n for n, text in enumerate(body, start=1) if needle in text) + FRONT

    for name in ("paragraph", "strong", "heading", "item", "remark", "fact", "action", "only"):
        assert lines[name] == line(f"/{name})"), name
    assert lines["resource"] == lines["more"] == line("name: Films")
    assert lines["contact"] == line("::: contact")
    assert lines["event"] == line("::: event")


def test_personal_links_of_the_templates_are_left_out(tmp_path: Path) -> None:
    """A merge field is no link that could be checked."""
    body = "[leave]({{unsubscribe_url}}) [change]({{preferences_url}})"
    issue, _ = read(tmp_path, {"news": article(body)})
    assert mentions(issue) == ()


def mention(url: str) -> Mention:
    """A mention of a URL somewhere."""
    return Mention(Place("a.md", 1), url, "words", "a")


def test_only_distinct_web_addresses_are_fetched() -> None:
    """Mail and telephone links are not fetched, and each URL only once; fragments stay."""
    urls = [
        "https://example.org/a#part",
        "mailto:a@example.org",
        "tel:01632960999",
        "https://example.org/a",
        "https://example.org/a#part",
        "http://example.org/",
    ]
    assert to_fetch(map(mention, urls)) == (urls[0], urls[3], urls[5])


SECRET = "WzEsMl0.aZ3kP0qLmN7vXr4T"  # noqa: S105 - looks like one, opens nothing


@pytest.mark.parametrize(
    "url",
    [
        f"https://newsletter.example.org/unsubscribe/{SECRET}",
        f"https://newsletter.example.org/preferences/{SECRET}",
        f"https://newsletter.example.org/confirm/{SECRET}",
        "https://lists.example.org/unsubscribe.php?u=17",
        "https://lists.example.org/opt-out/17",
        "https://example.org/optout?m=a",
        f"https://example.org/magic-link?t={SECRET}",
        "https://example.org/login?token=abc",
        "https://example.org/sign-in?one_time_token=x",
        "https://example.org/reset-password/0f8fad5b-d9cb-469f-a165-70867728950e",
        "https://example.org/news?unsubscribe=1",
    ],
)
def test_one_time_links_are_never_fetched(url: str) -> None:
    """Opening such a link could leave a list, or use a sign-in up, in a person's name."""
    assert is_personal(url)
    assert to_fetch([mention(url)]) == ()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/help/unsubscribe",
        "https://example.org/how-to-unsubscribe/from-our-list",
        "https://example.org/preferences",
        "https://example.org/confirm-your-place",
        "https://example.org/invite/annual-conference-in-june",
        "https://example.org/verify/how-it-works-for-governors-2018",
        "https://example.org/tokens?page=2",
        "https://example.org/resetting-the-compass/4",
        "https://www.youtube.com/watch?v=alwl6roEmKO",
        "https://example.org/policy?id=0f8fad5b-d9cb-469f-a165-70867728950e",
    ],
)
def test_pages_about_leaving_and_signing_in_are_fetched(url: str) -> None:
    """The rule is narrow: a page that only speaks of it is checked as any other."""
    assert to_fetch([mention(url)]) == (url,)


@given(st.text(max_size=80))
def test_no_url_confuses_the_choice(text: str) -> None:
    """Whatever stands in a URL, it is fetched or left, and no error rises."""
    for url in (f"https://example.org/{quote(text)}", f"https://example.org/?{text}", text):
        is_personal(url)
