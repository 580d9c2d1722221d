"""What a compiled mail is, whatever the issue."""

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from icalendar import Calendar
from lxml import etree

from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.merge import Segments, for_html, for_text
from newsletter_mailer.compiling.mjml import to_html
from newsletter_mailer.compiling.tailoring import group, tailor
from newsletter_mailer.errors import CompileError, TemplateError
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.inline import plain_text
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.settings import Settings

Compiled = dict[int, tuple[CompiledEmail, ...]]


def variant_for(emails: tuple[CompiledEmail, ...], agency: str) -> CompiledEmail:
    """The variant that an agency gets."""
    return next(email for email in emails if agency in email.agencies)


def parsed(html: str) -> etree._Element:
    """HTML as a tree."""
    return etree.fromstring(html, etree.HTMLParser())


def found(tree: etree._Element, path: str) -> list[str]:
    """The strings that an XPath finds."""
    matches = tree.xpath(path)
    assert isinstance(matches, list)
    return [str(match) for match in matches]


def words_in(html: str) -> str:
    """All words of a page, with single spaces."""
    return " ".join(" ".join(found(parsed(html), "//text()")).split())


def small_issue(tmp_path: Path, registry: Registry, body: str, **head: str) -> Issue:
    """An issue of one article with this body."""
    folder = tmp_path / "07-test"
    (folder / "articles").mkdir(parents=True)
    lines = {
        "number": "7",
        "title": "News",
        "date": "2019-01-21",
        "subject": "A subject",
        "preheader": "A preheader",
        **head,
    }
    yaml = "".join(f"{key}: {value}\n" for key, value in lines.items()) + "articles: [one]\n"
    (folder / "issue.yaml").write_text(yaml, encoding="utf-8")
    text = f"---\ntitle: One\n---\n\n{body}\n"
    (folder / "articles" / "one.md").write_text(text, encoding="utf-8")
    return read_issue(folder, registry)[0]


def compile_body(
    tmp_path: Path, registry: Registry, settings: Settings, body: str, **head: str
) -> CompiledEmail:
    """The mail of an issue of one article with this body."""
    issue = small_issue(tmp_path, registry, body, **head)
    return Compiler(settings).compile(issue, registry)[0]


def test_agencies_with_the_same_content_share_one_variant(
    shipped: dict[int, Issue], registry: Registry, compiled: Compiled
) -> None:
    """Variants differ, and together name every agency of the registry exactly once."""
    for number, emails in compiled.items():
        named = [agency for email in emails for agency in email.agencies]
        assert sorted(named) == sorted(agency.id for agency in registry.agencies)
        # The address of the web version carries the variant's name; all else must differ too.
        bare = {str(e.text).replace(f"/{e.name}", "") for e in emails}
        assert len(bare) == len(emails) == len(group(shipped[number], registry))
        assert len(emails) < len(registry.agencies)


def test_what_is_for_others_is_absent_everywhere(
    shipped: dict[int, Issue], registry: Registry, compiled: Compiled
) -> None:
    """Every paragraph of an `only` part for others is in neither part of an agency's mail."""
    for number, issue in shipped.items():
        seen = 0
        for email in compiled[number]:
            agency = email.agencies[0]
            mine = {block for a in tailor(issue, agency).every_article for block in a.blocks}
            for other in registry.agencies:
                theirs = tailor(issue, other.id)
                for block in (b for a in theirs.every_article for b in a.blocks if b not in mine):
                    words = plain_text(getattr(block, "content", ())).strip()
                    if len(words) > 40:
                        seen += 1
                        assert words not in words_in(str(email.html)), (agency, words)
                        assert words not in " ".join(str(email.text).split()), (agency, words)
        assert seen > 20


def test_three_readers_get_three_visibly_different_mails(compiled: Compiled) -> None:
    """A GP practice, a school and the police each see their own first article and actions."""
    emails = [variant_for(compiled[6], agency) for agency in ("gp", "primary-schools", "police")]
    firsts = [str(parsed(str(e.html)).xpath("string(//ol[@class='toc']/li[1]/a)")) for e in emails]
    assert firsts == [
        "What the domestic abuse audit found",
        "Operation Encompass: schools that know can help",
        "Breck's Last Game: a film about online grooming",
    ]
    boxes = [
        str(parsed(str(e.html)).xpath("string(//td[contains(@class,'actions')])")) for e in emails
    ]
    assert len(set(boxes)) == 3
    assert "flags children on Child Protection Plans" in boxes[0]
    assert "Education Health Care Plan" in boxes[1]


def test_contents_list_the_articles_that_follow_in_their_order(compiled: Compiled) -> None:
    """Each entry of the contents leads to an article heading, in the same order."""
    for emails in compiled.values():
        for email in emails:
            tree = parsed(str(email.html))
            targets = found(tree, "//ol[@class='toc']/li/a/@href")
            titles = found(tree, "//h2[@class='title']/@id")
            assert [target.removeprefix("#") for target in targets] == titles


def test_every_local_link_has_its_target(compiled: Compiled) -> None:
    """No `#…` link of any variant leads nowhere."""
    for email in compiled[1] + compiled[6]:
        tree = parsed(str(email.html))
        ids = set(found(tree, "//@id"))
        assert {h[1:] for h in found(tree, "//a/@href") if h.startswith("#")} <= ids


def test_mails_are_sound_html(compiled: Compiled) -> None:
    """Standards-mode doctype, one h1, a language, a title, no skipped heading, no fetched font."""
    for email in compiled[1] + compiled[6]:
        html = str(email.html)
        assert html.startswith("<!DOCTYPE html>")
        tree = parsed(html)
        assert tree.get("lang") == "en-GB"
        assert str(tree.xpath("string(//title)")).startswith("Safeguarding news, issue")
        levels = [int(h.tag[1]) for h in tree.iter("h1", "h2", "h3", "h4", "h5", "h6")]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert not re.search("@import|<script|fonts[.]g", html)
        assert html.count("<!--[if") == html.count("<![endif]")
        assert all(image.get("alt") for image in tree.iter("img"))


def test_text_part_reads_well(compiled: Compiled) -> None:
    """Lines of at most 76 characters unless one long URL needs more; no HTML, no preheader."""
    for email in compiled[1] + compiled[6]:
        text = str(email.text)
        for line in text.split("\n"):
            bare = re.sub(r"[{}]", "", line)
            assert len(bare) <= 76 or max(map(len, line.split())) > 40, line
        assert not re.search(r"</?(p|td|a|strong)\b|&nbsp;|&amp;|\u2007", text)
        assert "Unsubscribe: {{unsubscribe_url}}" in text


def test_compiling_is_repeatable_also_in_threads(
    shipped: dict[int, Issue], registry: Registry, settings: Settings, compiled: Compiled
) -> None:
    """Eight threads, each with its own compiler, give the very bytes of the first run."""
    with ThreadPoolExecutor(8) as pool:
        runs = pool.map(lambda _: Compiler(settings).compile(shipped[6], registry), range(8))
        for emails in runs:
            assert [str(e.html) for e in emails] == [str(e.html) for e in compiled[6]]
            assert [str(e.text) for e in emails] == [str(e.text) for e in compiled[6]]


def test_a_warm_compiler_gives_what_a_fresh_one_gives(
    shipped: dict[int, Issue], registry: Registry, settings: Settings, compiled: Compiled
) -> None:
    """What a compiler remembers never shows in another issue or a second run."""
    compiler = Compiler(settings)
    compiler.compile(shipped[1], registry)
    for _ in range(2):
        emails = compiler.compile(shipped[6], registry)
        assert [str(e.html) for e in emails] == [str(e.html) for e in compiled[6]]


def test_awkward_words_reach_html_and_text_unharmed(
    tmp_path: Path, registry: Registry, settings: Settings
) -> None:
    """Signs that the toolchain is known to damage decode to what was written."""
    line = "a < 3 & b > 2 \\\\ “é” ﷽ 👩‍👧 नमस्ते 1\u00a0000 שלום {x} ]]> 'q' \"q\""
    email = compile_body(tmp_path, registry, settings, line.replace("<", "\\<").replace("&", "\\&"))
    wanted = line.replace("\\\\", "\\")
    tree = parsed(str(email.html))
    assert wanted in found(tree, "//p//text()")
    assert wanted in str(email.text)


def test_awkward_attributes_decode_to_what_was_written(
    tmp_path: Path, registry: Registry, settings: Settings
) -> None:
    """Alternative text with quotes, backslashes, joiners and combining marks survives mrml."""
    folder = tmp_path / "07-test"
    (folder / "images").mkdir(parents=True)
    source = settings.issues / "06-autumn-2018" / "images" / "festival.png"
    (folder / "images" / "a.png").write_bytes(source.read_bytes())
    alt = '👩‍👧 नमस्ते "q" \\ \u00a0 <b> &c'
    written = alt.replace("\\", "\\\\").replace("<", "\\<").replace("&", "\\&")
    email = compile_body(
        tmp_path, registry, settings, f"::: figure\n![{written}](images/a.png)\n:::\n\nText."
    )
    assert found(parsed(str(email.html)), "//img/@alt") == [alt]
    assert "\\u{" not in str(email.html)


def test_a_soft_break_between_marked_words_is_a_space(
    tmp_path: Path, registry: Registry, settings: Settings
) -> None:
    """`**a**` and `*b*` on two lines read "a b"."""
    email = compile_body(tmp_path, registry, settings, "**a**\n*b*")
    assert "a b" in words_in(str(email.html))
    assert "\na b\n" in str(email.text)


def test_links_keep_their_query_and_are_escaped_once(
    tmp_path: Path, registry: Registry, settings: Settings
) -> None:
    """`?a=1&b=2` stands as `&amp;` once, and decodes to what was written."""
    email = compile_body(tmp_path, registry, settings, "[words](https://example.org/?a=1&b=2#c)")
    assert 'href="https://example.org/?a=1&#38;b=2#c"' in str(email.html)
    assert "https://example.org/?a=1&b=2#c" in str(email.text)


def test_a_personal_link_in_the_text_is_a_field_of_both_parts(
    tmp_path: Path, registry: Registry, settings: Settings
) -> None:
    """`[words]({{preferences_url}})` stays one field, byte for byte."""
    email = compile_body(tmp_path, registry, settings, "Your [choices]({{preferences_url}}).")
    assert str(email.html).count('href="{{preferences_url}}"') == 2
    assert "choices: {{preferences_url}}" in str(email.text)


def test_braces_that_markup_parts_never_become_a_field(
    tmp_path: Path, registry: Registry, settings: Settings
) -> None:
    """`{*{first_name}*}` is text: it does not turn into a reader's name."""
    email = compile_body(tmp_path, registry, settings, "{**{first_name}**}")
    filled = email.text.fill(dict.fromkeys(email.text.fields, "ZOE"))
    assert "{{first_name}}" in filled


@pytest.mark.parametrize(
    "source",
    [
        "<mjml><mj-head></m><![endif",
        "<mjml><mj-body><mj-text>a < b</mj-text></mj-body></mjml>",
        "not mjml",
        "",
    ],
)
def test_what_mrml_refuses_or_crashes_on_is_our_own_error(source: str) -> None:
    """Neither a refusal nor a panic of the renderer leaves the tree of our errors."""
    with pytest.raises(CompileError):
        to_html(source)


def test_a_broken_style_sheet_is_an_error_with_its_line(settings: Settings, project: Path) -> None:
    """CSS that the inliner would swallow in silence is refused, with file and line."""
    css = project / "templates" / "email" / "rich.css"
    css.write_text("p { margin: 0; }\n.k{{ '{{' }}color:red}\n", encoding="utf-8")
    with pytest.raises(TemplateError, match=r"templates/email/rich\.css:2"):
        Compiler(settings.model_copy(update={"root": project}))


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("footer.html", "<p>\n{{ offise.name }}</p>", r"templates/email/footer\.html:2"),
        ("newsletter.mjml", "<mjml>\n\n{% if %}", r"templates/email/newsletter\.mjml:3"),
        ("top.html", "{% include 'gone.html' %}", r"gone\.html"),
    ],
)
def test_a_broken_template_is_an_error_with_its_line(
    settings: Settings,
    project: Path,
    shipped: dict[int, Issue],
    registry: Registry,
    name: str,
    text: str,
    where: str,
) -> None:
    """An unknown name, a syntax error and a missing template each name file and line."""
    (project / "templates" / "email" / name).write_text(text, encoding="utf-8")
    compiler = Compiler(settings.model_copy(update={"root": project}))
    with pytest.raises(TemplateError, match=where):
        compiler.compile(shipped[6], registry)


def test_a_template_field_that_nothing_fills_is_an_error() -> None:
    """A misspelt merge field in a template is found before anything is sent."""
    with pytest.raises(CompileError, match="unsubscribe_ulr"):
        Segments.of('<a href="{{unsubscribe_ulr}}">')


def test_values_are_escaped_for_html_raw_in_text_and_safe_in_headers() -> None:
    """`<b>&"` shows as itself everywhere, and a line end cannot forge a header."""
    name = {"name": '<b>&"\r\nBcc: x@example.org'}
    assert for_html(name)["name"] == "&lt;b&gt;&amp;&quot; Bcc: x@example.org"
    assert for_text(name)["name"] == '<b>&" Bcc: x@example.org'


def test_every_event_date_has_a_calendar_file(compiled: Compiled) -> None:
    """The two dates of issue 6's event each give a calendar file that a calendar reads."""
    files = compiled[6][0].calendars
    assert [file.name[-14:] for file in files] == ["2018-11-05.ics", "2019-01-17.ics"]
    for file in files:
        event = Calendar.from_ical(file.content).walk("VEVENT")[0]
        assert "disabilities" in str(event["SUMMARY"]).lower()
        assert f"events/{file.name}" in str(compiled[6][0].html)


def test_messages_are_only_built_from_whole_segments() -> None:
    """Filling and settling keep every literal, in order."""
    segments = Segments.of("a{{name}}b{{image:x-1.png}}c")
    assert segments.settle(lambda n: "I" if n.startswith("image:") else None) == Segments(
        ("a", "bIc"), ("name",)
    )
    assert segments.fill({"name": "N", "image:x-1.png": "P"}) == "aNbPc"
