"""The report's page: what stands on it, what must not, and that nothing gets out of its place."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

import lxml.html
import pytest

from newsletter_mailer.errors import TemplateError
from newsletter_mailer.reporting.page import page
from newsletter_mailer.reporting.shown import FEW, HIDDEN, Reach
from newsletter_mailer.settings import Settings, load_settings
from tests.projects import ROOT
from tests.report_pages import exactly, largest, reach, row, usual

HOSTILE = "\"><script>alert(1)</script><svg onload='x'>&amp; {{ 7*7 }} </style>"


@pytest.fixture(scope="module")
def settings() -> Settings:
    """The shipped project's settings."""
    return load_settings(ROOT)


def tree_of(made: str) -> lxml.html.HtmlElement:
    """A page as a browser would have it, roughly."""
    return lxml.html.fromstring(made.encode())


def words_of(made: str) -> str:
    """Its words, with single spaces."""
    for style in (tree := tree_of(made)).xpath("//style"):
        style.drop_tree()
    return " ".join(str(tree.xpath("string()")).split())


def test_it_begins_with_a_range_and_its_base(settings: Settings) -> None:
    """The headline is a range of those who agreed, and the key figures stand below it."""
    tree = tree_of(page(usual(), settings))
    (headline,) = tree.find_class("headline")
    assert headline.text_content().replace("\xa0", " ") == (
        "Between 34 % and 61 % opened it, of the 812 who agreed to be counted."
    )
    figures = [str(dd.text_content()) for dd in tree.xpath("//dl[@class='key-figures']//dd")]
    assert figures == ["1,240", "fewer than five", "812", "34\xa0–\xa061\xa0%"]
    assert "65\xa0% of all" in tree.text_content()


def test_every_chart_says_in_words_what_it_shows(settings: Settings) -> None:
    """Each picture has a title, a description with all its figures, and a table beside it."""
    tree = tree_of(page(usual(), settings))
    pictures = tree.xpath("//figure/svg")
    assert [each.get("id") for each in pictures] == [
        *("agencies", "sectors", "earlier", "outcomes", "time")
    ]
    for each in pictures:
        assert each.get("role") == "img"
        title, words = (
            tree.get_element_by_id(name).text_content()
            for name in each.get("aria-labelledby").split()
        )
        assert title
        assert len(words) > len(title)
        (table,) = each.xpath("..//table")
        assert table.xpath("caption")
        assert table.xpath(".//tbody/tr/th[@scope='row']")
    spoken = tree.get_element_by_id("agencies-words").text_content().replace("\xa0", " ")
    assert "Primary schools: 33 – 69 % of 190;" in spoken
    assert "Youth offending service: at least 37 % of 19;" in spoken
    assert "Cafcass (family court advisers): hidden, of 6;" in spoken


def test_a_bar_is_as_long_as_its_range(settings: Settings) -> None:
    """From the least to the most, in shares of those who agreed."""
    report = dataclasses.replace(usual(), agencies=(row("Schools", 90, reach(80, 20, 60)),))
    (bar,) = tree_of(page(report, settings)).xpath("//*[@id='agencies']//rect[@class='range']")
    assert bar.get("style") == "--at: 25.0; --long: 50.0"


def test_what_is_hidden_has_one_size(settings: Settings) -> None:
    """Marks of hidden counts are alike within a chart, large group or small, and are no bars."""
    hidden = (Reach(exactly(30_000), HIDDEN, HIDDEN), Reach(FEW, HIDDEN, HIDDEN))
    agencies = tuple(row(f"Agency {at}", 40_000, each) for at, each in enumerate(hidden))
    tree = tree_of(page(dataclasses.replace(usual(), agencies=agencies), settings))
    assert not tree.xpath("//*[@id='agencies']//rect[@class='range' or @class='end']")
    expected = {"agencies": 2, "sectors": 0, "earlier": 1, "outcomes": 1, "time": 9}
    for name, number in expected.items():
        (picture,) = tree.xpath(f"//*[@id='{name}']")
        marks = picture.xpath(".//rect[starts-with(@class, 'hidden')]")
        assert len(marks) == number
        assert len({tuple(sorted(mark.items())) for mark in marks}) <= 1, name


def test_the_bar_of_outcomes_is_made_of_what_is_shown(settings: Settings) -> None:
    """Lengths of its parts follow from the numbers beside it, and from nothing hidden."""
    tree = tree_of(page(usual(), settings))
    parts = tree.xpath("//*[@id='outcomes']//rect[starts-with(@class, 'part')]")
    assert len(parts) == 4
    lengths = [float(re.findall(r"--long: ([0-9.]+)", each.get("style"))[0]) for each in parts]
    shown = [1_004, 201, 19, 12]
    total = sum(max(0.012, each / sum(shown)) for each in shown)
    assert lengths == [
        pytest.approx(100 * max(0.012, each / sum(shown)) / total, abs=0.001) for each in shown
    ]
    rows = [str(tr.text_content()) for tr in tree.xpath("//table[@class='key']//tbody/tr")]
    assert len(rows) == 5
    assert any("fewer than five" in each for each in rows)


def test_names_from_outside_stay_words(settings: Settings) -> None:
    """Hostile names of agencies, issues, links and articles are shown and do nothing."""
    base = usual()
    report = dataclasses.replace(
        base,
        campaign=dataclasses.replace(base.campaign, title=HOSTILE, name=HOSTILE),
        only=(HOSTILE,),
        agencies=(row(HOSTILE, 90, reach(80, 20, 60)), *base.agencies),
        outcomes=(dataclasses.replace(base.outcomes[0], name=HOSTILE), *base.outcomes[1:]),
        over_time=(dataclasses.replace(base.over_time[0], name=HOSTILE),),
        thin=(dataclasses.replace(base.thin[0], agency=HOSTILE, sector_name=HOSTILE),),
        followed=(
            dataclasses.replace(base.followed[0], text=HOSTILE, articles=(HOSTILE,)),
            dataclasses.replace(base.followed[1], url=f"javascript:{HOSTILE}"),
        ),
        notes=(HOSTILE,),
    )
    made = page(report, settings)
    tree = tree_of(made)
    assert tree.xpath("//script") == []
    assert [name for each in tree.iter() for name in each.attrib if name.startswith("on")] == []
    assert len(tree.xpath("//style")) == 1
    assert "javascript:" not in [str(a.get("href")).split(HOSTILE)[0] for a in tree.xpath("//a")]
    assert "{{ 7*7 }}" in words_of(made)
    assert "49" not in tree.xpath("//h2")[0].text_content()


def test_it_needs_nothing_from_elsewhere(settings: Settings) -> None:
    """No script, nothing fetched, a policy that forbids both, and each id there once."""
    tree = tree_of(page(usual(), settings))
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert not tree.xpath("//script | //link | //img | //iframe | //object | //form")
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    used = set(re.findall(r"url\(#([^)]+)\)", lxml.html.tostring(tree).decode()))
    assert used <= set(ids)
    assert not re.findall(r"url\((?!#)", lxml.html.tostring(tree).decode())


@pytest.mark.parametrize(
    ("change", "said", "unsaid"),
    [
        ({"opens_counted": False}, "Opens were not counted", "Between"),
        ({"clicks_counted": False}, "Agency by agency", "Links people followed"),
        ({"only": ("Health",)}, "A part of the report: Health", "Links people followed"),
        ({"clicks_counted": True, "followed": ()}, "None that can be shown", "Events people"),
        ({"thin": ()}, "Agency by agency", "Agencies with few or no"),
        ({"earlier": ()}, "Agency by agency", "Beside earlier"),
    ],
)
def test_what_is_not_known_is_not_shown(
    settings: Settings, change: Mapping[str, object], said: str, unsaid: str
) -> None:
    """A section stands on the page only where there is something for it, or says why not."""
    words = words_of(page(dataclasses.replace(usual(), **change), settings))  # type: ignore[arg-type]
    assert said in words
    assert unsaid not in words


def test_links_events_and_what_to_mend(settings: Settings) -> None:
    """Links with their articles, events apart from them, and a command for each kind of bounce."""
    words = words_of(page(usual(), settings))
    links, events = words.index("Links people followed"), words.index("Events people")
    assert links < words.index("a film about grooming in Online grooming") < events
    assert events < words.index("book a place in Training")
    assert "newsletter bounces 06-issue" in words


def test_an_empty_report_is_a_page(settings: Settings) -> None:
    """A campaign that went to nobody, and the largest one, are both drawn."""
    nothing = Reach(exactly(0), exactly(0), exactly(0))
    empty = dataclasses.replace(
        usual(),
        overall=row("Everybody", 0, nothing),
        agencies=(row("Schools", 0, nothing),),
        outcomes=(dataclasses.replace(usual().outcomes[0], people=exactly(0)),),
        over_time=(),
    )
    assert "Nobody whom it was sent to agreed" in words_of(page(empty, settings))
    assert "region 32" in words_of(page(largest(), settings))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("report.html", "{% if %}", "report.html:1"),
        ("report.html", "\n{{ nobody.knows }}", "nobody"),
        ("report.css", None, "no template report.css"),
    ],
)
def test_a_broken_template_is_a_finding(
    project: Path, name: str, text: str | None, said: str
) -> None:
    """The office may change the page; a mistake in it names the file."""
    template = project / "templates" / "report" / name
    if text is None:
        template.unlink()
    else:
        template.write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError, match=re.escape(said)):
        page(usual(), load_settings(project))
