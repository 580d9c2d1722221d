"""The cases in which tools for e-mail HTML are known to damage a mail in silence, by number.

`pytest -k conformance -v` lists them.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields, is_dataclass
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Literal

import pytest
import tinycss2
from hypothesis import HealthCheck, example, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from lxml import etree
from playwright.sync_api import Browser

from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.mjml import to_html
from newsletter_mailer.compiling.tailoring import tailor
from newsletter_mailer.errors import CompileError, IssueError, TemplateError
from newsletter_mailer.findings import Finding
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import (
    Code,
    CodeBlock,
    EventDate,
    Image,
    Issue,
    LineBreak,
    Link,
    MergeField,
    Text,
)
from newsletter_mailer.settings import Settings
from tests.browser import assert_reads_well, chromium, write_page
from tests.forked import fork
from tests.office import Office
from tests.projects import (
    FRONT,
    HEAD,
    article,
    mistakes,
    mistakes_in,
    read,
    small_registry,
    write_issue,
)

Compiled = dict[int, tuple[CompiledEmail, ...]]

GREATEST = 80_000
"""Bytes of HTML, merged, that a mail may have. Gmail clips one of about 102,000."""

READER = {
    "greeting": "Dear Wilhelmina-Alexandra,",
    "first_name": "Wilhelmina-Alexandra",
    "name": "Wilhelmina-Alexandra Featherstonehaugh-Cholmondeley",
    "agency_name": "Children's social care, early help and the youth offending service",
    "email": "wilhelmina-alexandra.featherstonehaugh-cholmondeley@example.org",
    "preferences_url": "https://newsletter.example.org/preferences/" + "t" * 120,
    "unsubscribe_url": "https://newsletter.example.org/unsubscribe/" + "t" * 120,
}


@pytest.fixture(scope="module")
def compiler(settings: Settings) -> Compiler:
    """One compiler for all small issues here."""
    return Compiler(settings)


@pytest.fixture
def office(project: Path) -> Office:
    """An office with a copy of the shipped project."""
    return Office(project)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here."""
    with chromium() as running:
        yield running


def compiled_body(compiler: Compiler, folder: Path, body: str, head: str = HEAD) -> CompiledEmail:
    """The mail of an issue of one article with this body."""
    listed = f"{head}articles: [news]\n"
    issue, _ = read(folder, {"news": article(body)}, head=listed)
    return compiler.compile(issue, small_registry())[0]


def page(email: CompiledEmail) -> etree._Element:
    """The HTML of a mail as a tree."""
    return etree.fromstring(str(email.html), etree.HTMLParser(huge_tree=True))


def found(tree: etree._Element, path: str) -> list[str]:
    """The strings that an XPath finds."""
    matches = tree.xpath(path)
    assert isinstance(matches, list)
    return [str(match) for match in matches]


def shown_in(tree: etree._Element) -> str:
    """Everything that a page's body says."""
    return "".join(found(tree, "//body//text()"))


def shut(text: str) -> str:
    """A text without the white space that HTML and wrapped lines are free to change."""
    return re.sub(r"[ \t\n\r\f]+", "", text)


def said(node: object) -> Iterator[str]:
    """Every string of a document tree that its reader sees as words."""
    match node:
        case str():
            yield node
        case Text(text) | Code(text):
            yield text
        case CodeBlock():
            yield from re.split("[ \t\n]+", node.text)
        case MergeField(name):
            yield f"{{{{{name}}}}}"
        case Link():
            yield from said(node.content)
        case tuple():
            for part in node:
                yield from said(part)
        case LineBreak() | Image() | EventDate():
            return
        case _ if is_dataclass(node):
            hidden = {"place", "agencies", "image", "alt", "slug", "link", "target", "book", "id"}
            for field in fields(node):
                if field.name not in hidden:
                    yield from said(getattr(node, field.name))


def with_template(project: Path, name: str, old: str, new: str) -> int:
    """Replace a part of a template; the answer is the line on which it stands."""
    path = project / "templates" / "email" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def template_mistakes(
    settings: Settings, project: Path, name: str, old: str, new: str
) -> tuple[int, list[Finding]]:
    """The line of a changed part of a template, and what compiling issue 7 finds wrong there."""
    line = with_template(project, name, old, new)
    issue, _ = read(project / "issues", {"news": article("Words.")})
    with pytest.raises(TemplateError) as raised:
        Compiler(settings.model_copy(update={"root": project})).compile(issue, small_registry())
    assert {f.place.file for f in raised.value.findings} == {f"templates/email/{name}"}
    return line, list(raised.value.findings)


def test_conformance_01_awkward_alternative_text(compiler: Compiler, tmp_path: Path) -> None:
    r"""Alt text with joined emoji, combining marks, quotes and `\` decodes to what was written."""
    write_issue(tmp_path, {}, pictures=["festival.png"])
    alt = '👩\u200d👧 नमस्ते "q" \\'
    written = alt.replace("\\", "\\\\")
    body = f"::: figure\n![{written}](images/festival.png)\n:::\n\nText."
    email = compiled_body(compiler, tmp_path, body)
    assert found(page(email), "//img/@alt") == [alt]
    assert "\\u{" not in str(email.html)


def test_conformance_02_title_with_no_break_space_and_quotes(
    compiler: Compiler, tmp_path: Path
) -> None:
    """A title with a no-break space and `"` reads the same in <title> and in the aria-label."""
    title = 'News\u00a0for "you"'
    head = HEAD.replace("Safeguarding news", f"'{title}'")
    tree = page(compiled_body(compiler, tmp_path, "Words.", head))
    assert all(label.startswith(title) for label in found(tree, "//@aria-label"))
    assert found(tree, "//title/text()")[0].startswith(title)
    assert found(tree, "//h1/text()") == [title]


def test_conformance_03_soft_break_between_marked_words(compiler: Compiler, tmp_path: Path) -> None:
    """`**a**` and `*b*` on two lines read "a b" in both parts."""
    email = compiled_body(compiler, tmp_path, "**a**\n*b*")
    assert str(page(email).xpath("string(//p[strong='a'])")) == "a b"
    assert "\na b\n" in str(email.text)


@pytest.mark.browser
def test_conformance_04_doctype_and_standards_mode(compiled: Compiled, browser: Browser) -> None:
    """Every mail begins with the doctype, and a browser reads it in standards mode."""
    for email in compiled[1] + compiled[6]:
        assert str(email.html).startswith("<!DOCTYPE html>")
    tab = browser.new_page()
    tab.set_content(str(compiled[6][0].html_with_images("data:,")))
    assert tab.evaluate("document.compatMode") == "CSS1Compat"
    tab.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_its_colour(
    compiled: Compiled, settings: Settings, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    """Behind the articles stands the theme's colour, and around them too, light and dark."""
    theme = settings.theme.dark if scheme == "dark" else settings.theme
    red, green, blue = bytes.fromhex(theme.page.removeprefix("#"))
    tab = browser.new_page(color_scheme=scheme)
    tab.set_content(str(compiled[6][0].html_with_images("data:,")))
    for part in ("body", ".page"):
        colour = tab.eval_on_selector(part, "one => getComputedStyle(one).backgroundColor")
        assert colour == f"rgb({red}, {green}, {blue})"
    tab.close()


def test_conformance_05_merge_field_in_a_link(compiler: Compiler, tmp_path: Path) -> None:
    """A field that is a link's target stays byte-identical, once for each time it is written."""
    plain = str(compiled_body(compiler, tmp_path, "Words.").html)
    body = "[choices]({{preferences_url}}) and [leave]({{unsubscribe_url}})"
    html = str(compiled_body(compiler, tmp_path, body).html)
    for name in ("preferences_url", "unsubscribe_url"):
        href = f'href="{{{{{name}}}}}"'
        assert html.count(href) == plain.count(href) + 1
        assert html.count(name) == plain.count(name) + 1


@pytest.mark.parametrize(
    "wrong",
    [
        "{{frist_name}}",
        "{{ first_name }}",
        "{{unsubscribe_url}}",
        "{% if x %}",
        "*|FNAME|*",
        "<%= name %>",
        "{{{name}}}",
        "[x](https://example.org/?e={{email}})",
    ],
)
def test_conformance_06_unknown_merge_field_in_an_issue(tmp_path: Path, wrong: str) -> None:
    """What looks like a field but is none is an error with its file and line."""
    places = [f.place for f in mistakes_in(tmp_path, f"Words.\n\n{wrong}\n")]
    assert {str(place) for place in places} == {
        f"issues/07-winter-2019/articles/news.md:{FRONT + 3}"
    }


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("footer.html", "<p class=", "<p style=\"color:{{ merge('name') }}\" class="),
        ("footer.html", "<p class=", "<p style=\"color:{{ '{{name}}' }}\" class="),
        ("newsletter.mjml", "<mj-text ", "<mj-text color=\"{{ merge('name') }}\" "),
        ("newsletter.mjml", "</mj-head>", "<mj-style>.{{ merge('name') }}</mj-style></mj-head>"),
        ("rich.css", "h1 {", "h1 { color: {{ merge('name') }}; }\nh1 {"),
        ("head.css", "@media", ".t { color: {{ merge('name') }}; }\n@media"),
    ],
)
def test_conformance_07_merge_field_in_a_style(
    settings: Settings, project: Path, name: str, old: str, new: str
) -> None:
    """A reader's value in a style, which mail programs drop or obey, is an error with its line."""
    line, findings = template_mistakes(settings, project, name, old, new)
    assert [finding.place.line for finding in findings] == [line]


def test_conformance_08_signs_of_html_in_text(compiler: Compiler, tmp_path: Path) -> None:
    """`a < 3 & b` is escaped once in the HTML, and raw in the text."""
    email = compiled_body(compiler, tmp_path, "So a < 3 & b holds.")
    assert "So a &lt; 3 &amp; b holds." in str(email.html)
    assert "So a < 3 & b holds." in str(email.text)


def test_conformance_09_control_characters(compiler: Compiler, tmp_path: Path) -> None:
    """U+0000 to U+001F but tab and line ends are left out, with a warning for the line."""
    controls = [chr(n) for n in range(0x20) if chr(n) not in "\t\n\r"]
    for control in controls:
        issue, warnings = read(tmp_path, {"news": article(f"One.\n\nTw{control}o.")})
        assert [(w.rule, w.place.line, str(w.severity)) for w in warnings] == [
            ("control-character", FRONT + 3, "warning")
        ]
        assert list(said(issue.articles[0].blocks)) == ["One.", "Two."]
    email = compiled_body(compiler, tmp_path, "&#0;a\tb\r\nc &#27;d" + "".join(controls))
    for part in (str(email.html), str(email.text)):
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", part)


def test_conformance_10_leftovers_of_windows_1252(compiler: Compiler, tmp_path: Path) -> None:
    """U+0092 becomes ’, and no C1 character is left, which would make Gmail clip the mail."""
    body = "It\u0092s \u0093fine\u0094 \u0096 &#146; &#x92;" + "".join(map(chr, range(0x80, 0xA0)))
    email = compiled_body(compiler, tmp_path, body)
    for part in (shown_in(page(email)), str(email.text)):
        assert "It’s “fine” –" in part
        assert not re.search(r"[\x80-\x9f]", part)


LOOPED = (
    "{% for i in range(10000) %}<div>{% endfor %}deep{% for i in range(10000) %}</div>{% endfor %}"
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("issues/06-autumn-2018/articles/welcome.md", "> " * 10_000 + "deep"),
        ("issues/06-autumn-2018/articles/welcome.md", "*a " * 10_000 + "a*" * 10_000),
        ("templates/email/newsletter.mjml", "<div>" * 10_000 + "</div>" * 10_000),
        ("templates/email/footer.html", "<div>" * 10_000 + "</div>" * 10_000),
        (
            "templates/email/newsletter.mjml",
            LOOPED,
        ),
        (
            "templates/email/footer.html",
            LOOPED,
        ),
    ],
    ids=["quotes", "emphasis", "mjml", "html", "mjml-loop", "html-loop"],
)
def test_conformance_11_nested_10_000_deep(office: Office, name: str, text: str) -> None:
    """Nesting that would crash the process is an error that names the file; it ends in order."""
    path = office.folder / name
    whole = path.read_text(encoding="utf-8")
    if path.suffix == ".mjml":
        deep = (
            f"<mj-section><mj-column><mj-text>{text}</mj-text></mj-column></mj-section></mj-body>"
        )
        whole = whole.replace("</mj-body>", deep)
    else:
        whole += f"\n{text}\n"
    path.write_text(whole, encoding="utf-8")
    with fork(office, "build", "6", "--out", "built") as running:
        _, errors = running.communicate(60)
    assert running.returncode == 1
    assert name in errors
    assert "Traceback" not in errors


def test_conformance_12_a_panic_in_the_renderer() -> None:
    """What makes mrml panic, which `except Exception` would miss, is this program's own error."""
    for source in ("<mjml><mj-head></m><![endif", "<mjml><mj-body><div>" * 9, "<![endif", "\x00<"):
        with pytest.raises(CompileError):
            to_html(source)
    with pytest.raises(CompileError, match="100"):
        to_html("<mjml><mj-body>" + "<div>" * 10_000 + "</div>" * 10_000 + "</mj-body></mjml>")


def test_conformance_13_two_bodies(settings: Settings, project: Path) -> None:
    """A second mj-body, of which mrml would keep the last only, is an error with its line."""
    new = "</mj-body><mj-body></mj-body>"
    line, (mistake,) = template_mistakes(settings, project, "newsletter.mjml", "</mj-body>", new)
    assert (mistake.rule, mistake.place.line) == ("template-two-bodies", line)


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ("<mj-txt>x</mj-txt></mj-column>", "<mj-txt>"),
        ('<mj-text colour="red">x</mj-text></mj-column>', "'colour'"),
        ('<mj-text padding="12 px">x</mj-text></mj-column>', "12 px"),
        ('<mj-text font-size="16">x</mj-text></mj-column>', "font-size='16'"),
    ],
)
def test_conformance_14_unknown_tag_or_attribute(
    settings: Settings, project: Path, new: str, words: str
) -> None:
    """An unknown tag or attribute and a bad unit, dropped in silence else, are errors."""
    line, (mistake,) = template_mistakes(settings, project, "newsletter.mjml", "</mj-column>", new)
    assert words in mistake.found
    assert mistake.place.line == line


def test_conformance_15_bare_text(settings: Settings, project: Path) -> None:
    """Text right inside a column, a section or the body is an error with its line."""
    for tag in ("mj-column", "mj-section", "mj-body"):
        end = f"</{tag}>"
        line, (mistake,) = template_mistakes(
            settings, project, "newsletter.mjml", end, f"bare words{end}"
        )
        assert (mistake.rule, mistake.place.line) == ("template-bare-text", line)
        with_template(project, "newsletter.mjml", "bare words", "")


def test_conformance_16_several_mj_classes(settings: Settings, project: Path) -> None:
    """Two names in mj-class, between which tools choose differently, are an error with its line."""
    line, (mistake,) = template_mistakes(
        settings, project, "newsletter.mjml", "<mj-text", '<mj-text mj-class="one two"'
    )
    assert mistake.rule in ("template-mj-class", "template-attribute-value")
    assert mistake.place.line == line


def test_conformance_17_inline_style_element(settings: Settings, project: Path) -> None:
    """mj-style with `inline`, which mrml leaves in the head, is an error with its line."""
    new = '<mj-style inline="inline">.t { color: #000000; }</mj-style></mj-head>'
    line, (mistake,) = template_mistakes(settings, project, "newsletter.mjml", "</mj-head>", new)
    assert (mistake.rule, mistake.place.line) == ("template-style-inline", line)


def test_conformance_18_broken_style_sheet(settings: Settings, project: Path) -> None:
    """`.k{{color:red}`, after which an inliner would drop every rule, is an error with its line."""
    new = ".k{{ '{{' }}color:red}\nh1 {"
    line, (mistake,) = template_mistakes(settings, project, "rich.css", "h1 {", new)
    assert mistake.place.line == line


def test_conformance_19_styles_of_rich_text(compiler: Compiler, tmp_path: Path) -> None:
    """Nested lists, quotes and tables carry their style inline, and no cell MJML's reset."""
    body = "- a\n  - b\n    1. c\n\n> quoted\n\n| h | i |\n|---|---|\n| j | k |\n"
    tree = page(compiled_body(compiler, tmp_path, body))
    for tag, words in (("blockquote", ["quoted"]), ("th", "hi"), ("td", "jk")):
        for word in words:
            styles = found(tree, f"//{tag}[starts-with(normalize-space(.), '{word}')]/@style")
            assert styles, (tag, word)
            if tag in ("th", "td"):
                assert "mso-table" not in styles[-1]
                assert "border-collapse" not in styles[-1]
    for tag in ("ul", "ol", "blockquote"):
        assert all("margin" in style for style in found(tree, f"//{tag}/@style"))
        assert len(found(tree, f"//{tag}/@style")) == len(found(tree, f"//{tag}/@style/.."))


def test_conformance_20_dark_rules(compiled: Compiled) -> None:
    """The rules for dark mode stand in every mail, each declaration with `!important`."""
    for email in compiled[1] + compiled[6]:
        declared = 0
        for css in found(page(email), "//style/text()"):
            for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
                if rule.type != "at-rule" or "dark" not in tinycss2.serialize(rule.prelude):
                    continue
                for inner in tinycss2.parse_rule_list(rule.content, skip_whitespace=True):
                    for part in tinycss2.parse_blocks_contents(
                        inner.content, skip_comments=True, skip_whitespace=True
                    ):
                        assert part.important, tinycss2.serialize([part])
                        declared += 1
        assert declared > 20


def test_conformance_21_conditional_comments(
    settings: Settings, registry: Registry, shipped: dict[int, Issue]
) -> None:
    """Outlook's comments are balanced, and inlining neither adds nor loses one."""
    compiler = Compiler(settings)
    sources = compiler.sources(shipped[6], registry)
    emails = compiler.compile(shipped[6], registry)
    for source, email in zip(sources, emails, strict=True):
        html = str(email.html)
        before = to_html(source.mjml)
        assert html.count("<!--[if") == html.count("<![endif]") == before.count("<!--[if") > 5


def test_conformance_22_vml_background(settings: Settings, project: Path) -> None:
    """Outlook's drawing of a background picture is in the mail just as MJML wrote it."""
    section = (
        '<mj-section background-url="https://example.org/b.png"><mj-column>'
        "<mj-text>On a picture</mj-text></mj-column></mj-section>"
    )
    with_template(project, "newsletter.mjml", "</mj-body>", f"{section}\n</mj-body>")
    compiler = Compiler(settings.model_copy(update={"root": project}))
    issue, _ = read(project / "issues", {"news": article("Words.")})
    (source,) = compiler.sources(issue, small_registry())
    html = str(compiler.compile(issue, small_registry())[0].html)
    drawn = re.compile(r"<v:rect.*?</v:rect>", re.DOTALL)
    assert drawn.findall(html) == drawn.findall(to_html(source.mjml))
    assert 'src="https://example.org/b.png"' in html[html.index("<v:rect") :]


def test_conformance_23_query_of_a_link(compiler: Compiler, tmp_path: Path) -> None:
    """`?a=1&b=2` is escaped exactly once, and opens what was written."""
    url = "https://example.org/?a=1&b=2&amp=3"
    email = compiled_body(compiler, tmp_path, f"[words]({url.replace('&amp', '&amp;amp')})")
    assert found(page(email), "//a[.='words']/@href") == [url]
    assert not re.search(r"&(amp|#38);(amp|#38);", str(email.html))
    assert f"] {url}\n" in str(email.text)


@pytest.mark.parametrize(
    ("body", "head", "rule"),
    [
        ("::: figure\n![](images/festival.png)\n:::\n", HEAD, "no-alt"),
        ("## Two\n\nWords.\n\n#### Four\n\nWords.\n", HEAD, "heading-level"),
        ("Words.", HEAD + "language: ''\n", ""),
        ("Words.", HEAD.replace("title: Safeguarding news\n", ""), ""),
    ],
)
def test_conformance_24_what_screen_readers_need(
    tmp_path: Path, body: str, head: str, rule: str
) -> None:
    """A missing alt, language or title, and a skipped heading level, are errors with a line."""
    issue = write_issue(
        tmp_path,
        {"news": article(body)},
        head=f"{head}articles: [news]\n",
        pictures=["festival.png"],
    )
    (mistake,) = mistakes(issue, small_registry())
    assert str(mistake.severity) == "error"
    assert mistake.place.line >= 1
    if rule:
        assert mistake.rule == rule
        assert mistake.place.file.endswith("articles/news.md")
        assert mistake.place.line > FRONT
    else:
        assert mistake.place.file.endswith("issue.yaml")
        assert re.search("language|title", str(mistake))


@pytest.mark.browser
def test_conformance_25_accessible_in_light_and_dark(
    compiled: Compiled, browser: Browser, tmp_path: Path
) -> None:
    """The axe rules find no fault against WCAG 2.2 A and AA, light and dark, narrow and wide."""
    path = write_page(compiled[6][0], tmp_path, "conformance-25", READER)
    assert_reads_well(browser, path, 375, 600)


_WORDS_ON_TWO_LINES = """() => {
    const broken = [];
    for (const cell of document.querySelectorAll('table.data th, table.data td')) {
        const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            for (const match of texts.currentNode.data.matchAll(/[\\p{L}\\p{N}]+/gu)) {
                const range = document.createRange();
                range.setStart(texts.currentNode, match.index);
                range.setEnd(texts.currentNode, match.index + match[0].length);
                if (range.getClientRects().length > 1) broken.push(match[0]);
            }
        }
    }
    return broken;
}"""


@pytest.mark.browser
def test_conformance_26_words_in_a_narrow_table(
    compiler: Compiler, tmp_path: Path, browser: Browser
) -> None:
    """At 375 px no word of a table stands on two lines, and the page does not scroll sideways."""
    rows = "| Procedures and practice guidance | Updated | Safeguarding disabled children |\n" * 3
    head = "| Chapter | Status | Responsibility |\n|---|---|---|\n"
    tables = (
        "".join(f"::: table Changes{kind}\n{head}{rows}:::\n\n" for kind in ("", " again"))
        + "| Chapter | Recommendation |\n|---|---|\n| Representations | Updated in September |\n"
    )
    tab = browser.new_page(viewport={"width": 375, "height": 900})
    tab.set_content(compiled_body(compiler, tmp_path, tables).html.fill(READER))
    assert tab.locator("table.data td").count() > 10
    assert tab.evaluate(_WORDS_ON_TWO_LINES) == []
    assert not tab.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    tab.close()


def test_conformance_27_size_and_every_word(shipped: dict[int, Issue], compiled: Compiled) -> None:
    """Merged for a reader with long names, issue 6 has at most 80 KB, and both parts all words."""
    for email in compiled[6]:
        fields_ = dict.fromkeys(email.html.fields, "cid:festival-0123456789ab.png@example.org")
        assert len(email.html.fill({**fields_, **READER}).encode()) <= GREATEST, email.name
        tailored = tailor(shipped[6], email.agencies[0])
        html, text = shut(shown_in(page(email))), str(email.text)
        strings = list(said(tailored.every_article))
        assert len(" ".join(strings).split()) > 1500
        for string in strings:
            assert shut(string) in html
            assert all(word in text for word in string.split())


def test_conformance_28_lines_and_charset(office: Office) -> None:
    """Every line of a message has at most 998 bytes, and every text part says utf-8."""
    office.subscribe(5)
    office.ok("send", "6", "--yes")
    files = sorted(office.outbox.glob("*.eml"))
    assert len(files) == 5
    for file in files:
        raw = file.read_bytes()
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        message = BytesParser(policy=policy.default).parsebytes(raw)
        texts = [part for part in message.walk() if part.get_content_maintype() == "text"]
        assert {part.get_content_charset() for part in texts} == {"utf-8"}
        assert {part.get_content_type() for part in texts} >= {"text/plain", "text/html"}


def test_conformance_29_nothing_fetched_or_run(compiled: Compiled) -> None:
    """No web font, no refresh, no script, in any variant."""
    for email in compiled[1] + compiled[6]:
        html = str(email.html)
        assert not re.search(r"@import|@font-face|fonts\.g|<link|<script|\son[a-z]+=", html)
        assert "refresh" not in "".join(found(page(email), "//@http-equiv")).lower()


def test_conformance_30_the_same_bytes_every_time(
    settings: Settings, registry: Registry, shipped: dict[int, Issue], compiled: Compiled
) -> None:
    """Compiled again, and in 8 threads at once, issue 6 has the very same bytes."""

    def hashes(emails: tuple[CompiledEmail, ...]) -> list[str]:
        return [email.content_hash for email in emails]

    again = Compiler(settings)
    assert hashes(again.compile(shipped[6], registry)) == hashes(compiled[6])
    assert hashes(again.compile(shipped[6], registry)) == hashes(compiled[6])
    with ThreadPoolExecutor(8) as pool:
        runs = pool.map(lambda _: Compiler(settings).compile(shipped[6], registry), range(8))
        assert all(hashes(emails) == hashes(compiled[6]) for emails in runs)


def links_in(node: object) -> Iterator[str]:
    """Every address that a document tree links to."""
    if isinstance(node, tuple):
        for part in node:
            yield from links_in(part)
    elif is_dataclass(node):
        for field in fields(node):
            value = getattr(node, field.name)
            if field.name in {"target", "link", "book"} and value:
                yield str(value)
            elif field.name != "place":
                yield from links_in(value)


def test_conformance_31_the_plain_text(shipped: dict[int, Issue], compiled: Compiled) -> None:
    """No layout shows, each address stands whole, the preheader is absent, fields are intact."""
    for number, issue in shipped.items():
        for email in compiled[number]:
            text = str(email.text)
            assert not re.search(r"^\s*\|.*\|\s*$|</?(td|p|a|table)\b|&(nbsp|amp);", text, re.M)
            for url in links_in(tailor(issue, email.agencies[0]).every_article):
                assert url.removeprefix("mailto:").removeprefix("tel:") in text
            assert " ".join(said(issue.preheader)) not in " ".join(text.split())
            assert {"greeting", "unsubscribe_url", "preferences_url"} <= set(email.text.fields)
            assert all(f"{{{{{name}}}}}" in text for name in email.text.fields)


def test_conformance_32_text_for_others(compiler: Compiler, tmp_path: Path) -> None:
    """What is for one agency is in no part of another agency's mail, its title neither."""
    ids = [agency.id for agency in small_registry().agencies]
    marks = ("Word", "Do", "Title")
    body = "For everyone.\n\n" + "".join(
        f"::: only {id_}\nWord-{id_}-x.\n\n::: actions\n- [{id_}] Do-{id_}-x\n:::\n:::\n\n"
        for id_ in ids
    )
    articles = {"news": article(body)}
    articles |= {f"own-{id_}": article("Words.", f"Title-{id_}-x", f"for: {id_}") for id_ in ids}
    issue, _ = read(tmp_path, articles)
    emails = compiler.compile(issue, small_registry())
    assert len(emails) == len(ids)
    for email in emails:
        for part in (str(email.html), str(email.text), str(email.subject)):
            others = set(ids) - {email.name}
            assert not any(f"{word}-{id_}-x" in part for word in marks for id_ in others)
        for part in (str(email.html), str(email.text)):
            assert all(f"{word}-{email.name}-x" in part for word in marks)


def test_conformance_33_a_name_with_signs_of_html(office: Office) -> None:
    """The name `<b>&"` is escaped in the HTML and raw in the text of a sent message."""
    people = office.folder / "people.csv"
    people.write_text('email,name,agency\na@example.org,"<b>&""",gp\n', encoding="utf-8")
    office.ok("subscribers", "import", str(people))
    office.ok("send", "6", "--yes")
    (mail,) = office.mails()
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert "Dear &lt;b&gt;&amp;&quot;," in html.get_content()
    assert 'Dear <b>&",' in text.get_content()
    assert mail["To"].addresses[0].display_name == '<b>&"'


@pytest.mark.parametrize(
    ("head", "articles", "file", "words"),
    [
        (HEAD + "articles: []\n", {}, "issue.yaml", "articles"),
        (HEAD + "articles: [news]\n", {"news": article("\n")}, "articles/news.md", "without text"),
        ("", {}, "issue.yaml", "expected some of"),
    ],
)
def test_conformance_34_an_empty_issue(
    office: Office, head: str, articles: dict[str, str], file: str, words: str
) -> None:
    """An issue without articles, an article without text and an empty file are clear errors."""
    write_issue(office.folder / "issues", articles, head=head)
    for command in (["check", "7"], ["build", "7", "--out", "built"]):
        result = office.run(*command)
        assert result.code == 1
        assert f"issues/07-winter-2019/{file}:" in result.err + result.out
        assert words in result.err + result.out
    assert not (office.folder / "built").exists()


# Whatever a file can hold


def test_spaces_in_code_blocks(compiler: Compiler, tmp_path: Path) -> None:
    """Code keeps its spaces: each is a no-break space, and no reference shows."""
    email = compiled_body(compiler, tmp_path, "```\na {  }\n```")
    assert "a\u00a0{\u00a0\u00a0}" in shown_in(page(email))


_PIECES = [
    "{{", "}}", "{{name}}", "{%", "*|X|*", "<%", "<!--", "-->", "]]>", "<![CDATA[", "<b>", "<",
    "&amp;", "&#0;", "&#x92;", "&#xe000;", "&", "\ue000", "\ue0000\ue001", "\ue001", "\\", "`",
    "```\n", "\n", "\n\n", "\n- ", "\n1. ", "\n> ", "\n## ", "\n    ", "  \n", "**", "*", "_", "|",
    "\n\n| a | b |\n|---|---|\n| c | d |\n", "[a](https://example.org)", "[", "](", ":::",
    "\n:::\n", "\n::: callout x\n", "\n::: only gp\n", "\n::: facts\n- ", "\n::: quote\n", "-- who",
    "👩\u200d👧", "🇬🇧", "न\u094dम\u0938\u094d\u0924\u0947", "e\u0301", "שלום", "\u202e",
    "\u200f", "مرحبا",
    "\u00a0", "\u2028", "\ufeff", "\ufffe", "\x00", "\x1b", "\x85", "\x92", "\t", "\r", "\\u{a0}",
]  # fmt: skip

MARKDOWN = st.lists(
    st.one_of(
        st.sampled_from(_PIECES),
        st.sampled_from(["word", " ", "two words", "a"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    ),
    max_size=25,
).map("".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose issue is written anew for each try."""
    return tmp_path_factory.mktemp("any-text")


@trying(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(body=MARKDOWN)
@example(body="👩\u200d👧 e\u0301 שלום \u202e x ]]&gt; {\\{name}} a\u00a0b")
@example(body="`a  b`\n\n    code {  }\n\n```\n]]> <!-- \\ \u0301\n```")
@example(body="\ue0000\ue001 and &#xe000;0&#xe001;")
def test_any_markdown_is_kept_or_refused(compiler: Compiler, folder: Path, body: str) -> None:
    """Any text reaches HTML and plain text unharmed, or is refused with its file and line."""
    try:
        issue, warnings = read(folder, {"news": article(body)})
    except IssueError as error:
        findings = error.findings
        assert findings
    else:
        findings = tuple(warnings)
        for email in compiler.compile(issue, small_registry()):
            tailored = tailor(issue, email.agencies[0])
            tree = page(email)
            html, text = shut(shown_in(tree)), str(email.text)
            for one in tailored.every_article:
                for string in said(one.blocks):
                    assert shut(string) in html
                    assert all(word in text for word in re.split("[ \t\n]+", string))
    lines = re.split("\r\n|\r|\n", article(body))
    for finding in findings:
        assert finding.place.file.startswith("issues/07-winter-2019/")
        assert 1 <= finding.place.line <= max(len(lines), 8)


_MJML = [
    "<mjml>", "</mjml>", "<mj-head>", "</mj-head>", "<mj-body>", "</mj-body>", "<mj-section>",
    "</mj-section>", "<mj-column>", "</mj-column>", "<mj-text>", "</mj-text>", "<mj-raw>",
    "</mj-raw>", "<mj-title>", "<mj-style>", "</mj-style>", "<mj-button href='", "'>", "<![endif",
    "<!--", "-->", "<![CDATA[", "]]>", "<!", "<", ">", "&", "&amp;", "&nbsp;", "</m>",
    "<div", "<br>",
    "/>", '"', "=", "a", " ", "\n", "é", "\x00", "{{name}}", "<mj-include path='x' />",
    "<mj-image src='x' />", "<mj-attributes><mj-all /></mj-attributes>", "<div>" * 3000,
]  # fmt: skip


@trying(max_examples=300, deadline=None, derandomize=True)
@given(source=st.lists(st.sampled_from(_MJML), max_size=20).map("".join))
def test_any_mjml_is_rendered_or_refused(source: str) -> None:
    """Whatever is given for MJML, the process lives, and a refusal is this program's own."""
    with suppress(CompileError):
        assert "<html" in to_html(source)


@trying(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    name=st.sampled_from(["newsletter.mjml", "footer.html", "blocks/compare.columns.mjml"]),
    at=st.floats(0, 1),
    length=st.integers(0, 60),
    pieces=st.lists(
        st.sampled_from([*_MJML, "{{", "}}", "{%", "%}", "{{ 1 / 0 }}", "{{ merge('x') }}"]),
        max_size=4,
    ),
)
def test_any_template_is_rendered_or_refused(
    settings: Settings, project: Path, name: str, at: float, length: int, pieces: list[str]
) -> None:
    """A template with any part replaced by anything gives a mail, or a refusal of our own."""
    path = project / "templates" / "email" / name
    text = (settings.email_templates / name).read_text(encoding="utf-8")
    start = int(at * len(text))
    changed = text[:start] + "".join(pieces) + text[start + length :]
    path.write_text(changed, encoding="utf-8", newline="")
    body = "Words.\n\n::: compare\n### Do\n\nThis.\n\n### Do not\n\nThat.\n:::\n"
    issue, _ = read(project / "issues", {"news": article(body)})
    with suppress(CompileError, TemplateError):
        Compiler(settings.model_copy(update={"root": project})).compile(issue, small_registry())
    path.write_text(text, encoding="utf-8")
