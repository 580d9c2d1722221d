"""Issues 1 and 6 carry what the two real newsletters carried."""

import re
from pathlib import Path

import pytest
import yaml

from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.reading.document import Actions, Issue, Link, walk
from newsletter_mailer.reading.inline import plain_text

FIXTURES = Path(__file__).parent / "fixtures"
NUMBERS = [1, 6]


def facts(number: int) -> dict[str, list[dict[str, str]]]:
    """What the seed of an issue held."""
    loaded: dict[str, list[dict[str, str]]] = yaml.safe_load(
        (FIXTURES / f"seed-{number:02}.yaml").read_text(encoding="utf-8")
    )
    return loaded


def flat(text: str) -> str:
    """A text with single spaces, without the marks at the lines of quotes and boxes."""
    return " ".join(re.sub(r"\n[|> ]+", " ", text).split())


@pytest.mark.parametrize("number", NUMBERS)
def test_every_link_of_the_seed_is_in_both_parts_of_a_variant(
    number: int, compiled: dict[int, tuple[CompiledEmail, ...]]
) -> None:
    """Each link of the old text stands, mended, in some variant's HTML and in its text."""
    emails = compiled[number]
    html = [str(email.html).replace("&amp;", "&") for email in emails]
    text = [str(email.text) for email in emails]
    for link in facts(number)["links"]:
        target = link["mended"]
        as_link = f'href="mailto:{target}' if "@" in target else f'href="{target}"'
        assert any(as_link in one for one in html), link
        assert any(target in one for one in text), link


@pytest.mark.parametrize("number", NUMBERS)
def test_every_number_of_the_seed_is_in_a_variant(
    number: int, compiled: dict[int, tuple[CompiledEmail, ...]]
) -> None:
    """Each number, date, age and count of the old text stands in some variant's text."""
    texts = [flat(str(email.text)) for email in compiled[number]]
    missing = [
        fact for fact in facts(number)["numbers"] if not any(str(fact["text"]) in t for t in texts)
    ]
    assert missing == []


@pytest.mark.parametrize("number", NUMBERS)
def test_every_action_reaches_the_agencies_that_must_act(
    number: int, compiled: dict[int, tuple[CompiledEmail, ...]], shipped: dict[int, Issue]
) -> None:
    """Each action of the old text is in the mails of those it is addressed to, and in no other."""
    issue = shipped[number]
    actions = [
        action
        for article in issue.every_article
        for block in walk(article.blocks)
        if isinstance(block, Actions)
        for action in block.actions
    ]
    for fact in facts(number)["actions"]:
        matching = [a for a in actions if fact["text"] in flat(plain_text(a.content))]
        assert matching, fact
        for action in matching:
            for email in compiled[number]:
                has = flat(plain_text(action.content)) in flat(str(email.text))
                assert has == bool(action.agencies & set(email.agencies)), (fact, email.name)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_section_is_an_article(number: int, shipped: dict[int, Issue]) -> None:
    """The articles are the sections that the fixture names."""
    titles = {plain_text(article.title) for article in shipped[number].every_article}
    assert {str(title) for title in facts(number)["sections"]} == titles


@pytest.mark.parametrize("number", NUMBERS)
def test_links_that_the_seed_broke_are_mended_in_the_issue(
    number: int, compiled: dict[int, tuple[CompiledEmail, ...]]
) -> None:
    """No broken form of a link is left in any variant; the mended one is there."""
    path = FIXTURES / f"broken-links-{number:02}.yaml"
    broken = yaml.safe_load(path.read_text(encoding="utf-8"))
    broken = broken["links"] if isinstance(broken, dict) else broken
    assert len(broken) >= 5
    for link in broken:
        assert any(link["mended"] in str(email.html) for email in compiled[number]), link
        if link["found"].startswith("http") and link["found"] != link["mended"]:
            for part in (link["found"], link["found"].replace("\n", "")):
                if part != link["mended"]:
                    assert not any(f'"{part}"' in str(email.html) for email in compiled[number])


@pytest.mark.parametrize("number", NUMBERS)
def test_no_link_is_named_here(number: int, shipped: dict[int, Issue]) -> None:
    """Every link's words say where it leads."""

    def links(content: tuple[object, ...]) -> list[Link]:
        return [part for part in content if isinstance(part, Link)]

    for article in shipped[number].every_article:
        for block in walk(article.blocks):
            for link in links(getattr(block, "content", ())):
                words = plain_text(link.content).strip().lower()
                assert words not in {"here", "click here", "this link", "read more"}, link
                assert not words.startswith("http"), link
