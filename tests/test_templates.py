"""The rules that every template keeps, and the lines that a mistake in one is reported on."""

import time
from pathlib import Path

import pytest

from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.errors import TemplateError
from newsletter_mailer.findings import Finding
from newsletter_mailer.settings import Settings
from tests.office import Office
from tests.projects import article, read, small_registry

MAIL = "newsletter.mjml"


@pytest.fixture
def mine(settings: Settings, project: Path) -> Settings:
    """The settings of a copy of the shipped project, whose templates may change."""
    return settings.model_copy(update={"root": project})


def mistakes(mine: Settings) -> tuple[Finding, ...]:
    """What is wrong in the templates of a project."""
    issue, _ = read(mine.root / "issues", {"news": article("Words.")})
    with pytest.raises(TemplateError) as raised:
        Compiler(mine).compile(issue, small_registry())
    return raised.value.findings


def the_mistake(mine: Settings, name: str, old: str, new: str) -> Finding:
    """The one mistake that a change makes; its line is that of the change, or so many below it."""
    path = mine.email_templates / name
    text = path.read_text(encoding="utf-8")
    before = text.index(old)
    path.write_text(text[:before] + new + text[before + len(old) :], encoding="utf-8")
    (found,) = mistakes(mine)
    assert found.place.file == f"templates/email/{name}"
    assert found.place.line == text[:before].count("\n") + 1 + new.count("\n")
    assert found.mend
    return found


def in_column(mjml: str) -> tuple[str, str]:
    """A change that puts MJML at the end of the first column."""
    return "</mj-column>", f"{mjml}</mj-column>"


@pytest.mark.parametrize(
    ("mjml", "rule"),
    [
        ("<mj-social />", "template-unknown-tag"),
        ("<mj-Text>x</mj-Text>", "template-unknown-tag"),
        ('<mj-text colour="#ffffff">x</mj-text>', "template-unknown-attribute"),
        ('<mj-image src="a" alt="b" sizes="1px" />', "template-unknown-attribute"),
        ('<mj-table role="none"><tr><td>x</td></tr></mj-table>', "template-unknown-attribute"),
        ('<mj-raw position="file-start">x</mj-raw>', "template-unknown-attribute"),
        ('<mj-text padding="12 px">x</mj-text>', "template-attribute-value"),
        ('<mj-text padding="1px 2px 3px 4px 5px">x</mj-text>', "template-attribute-value"),
        ('<mj-text padding="1em">x</mj-text>', "template-attribute-value"),
        ('<mj-text font-size="16">x</mj-text>', "template-attribute-value"),
        ('<mj-text font-size="{{ 16 }}pt">x</mj-text>', "template-attribute-value"),
        ('<mj-text color="#12345">x</mj-text>', "template-attribute-value"),
        ('<mj-text color="blau">x</mj-text>', "template-attribute-value"),
        ('<mj-text align="middle">x</mj-text>', "template-attribute-value"),
        ('<mj-divider border-width="thin" />', "template-attribute-value"),
        ('<mj-button border="1px thick red" href="#x">x</mj-button>', "template-attribute-value"),
        ("<mj-text align=left>x</mj-text>", "template-attribute-value"),
        ("<mj-text align>x</mj-text>", "template-attribute-value"),
        ('<mj-text mj-class="a b">x</mj-text>', "template-mj-class"),
        ("words", "template-bare-text"),
        ("{{ merge('name') }}", "template-bare-text"),
        ("<p>words</p>", "template-misplaced-tag"),
        ("<mj-section></mj-section>", "template-misplaced-tag"),
        ("<mj-text><mj-text>x</mj-text></mj-text>", "template-misplaced-tag"),
        ("<mj-text><b>x</mj-text>", "template-unclosed"),
        ("<mj-text>x</b></mj-text>", "template-unclosed"),
        ("<mj-text>a < b</mj-text>", "template-sign"),
        ("<mj-text><![CDATA[x]]></mj-text>", "template-sign"),
        ("<!-- a -- b -->", "template-comment"),
        ("<mj-raw>" + "<div>" * 101 + "</div>" * 101 + "</mj-raw>", "template-too-deep"),
        ("<mj-text color=\"{{ merge('name') }}\">x</mj-text>", "template-field-in-style"),
        ("<mj-text><p style=\"{{ merge('name') }}\">x</p></mj-text>", "template-field-in-style"),
        (
            '<mj-text><p style="{% raw %}{{name}}{% endraw %}"></p></mj-text>',
            "template-field-in-style",
        ),
    ],
)
def test_a_mistake_in_mjml_has_its_line(mine: Settings, mjml: str, rule: str) -> None:
    """Each mistake that mrml is silent on, crashes on or gives no line for is one finding."""
    assert the_mistake(mine, MAIL, *in_column(f"\n{mjml}")).rule == rule


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("</mj-body>", "</mj-body>\n<mj-body></mj-body>", "template-two-bodies"),
        ("</mj-body>", "\nwords</mj-body>", "template-bare-text"),
        ("</mj-section>", "\nwords</mj-section>", "template-bare-text"),
        (
            "</mj-head>",
            '\n<mj-style inline="inline">p {}</mj-style></mj-head>',
            "template-style-inline",
        ),
        (
            "</mj-head>",
            "\n<mj-style>.x { color: {{ merge('name') }} }</mj-style></mj-head>",
            "template-field-in-style",
        ),
        (
            "</mj-attributes>",
            '\n<mj-class name="a"><mj-text /></mj-class></mj-attributes>',
            "template-misplaced-tag",
        ),
        (
            "</mj-attributes>",
            '\n<mj-body background-color="#ffffff" /></mj-attributes>',
            "template-misplaced-tag",
        ),
    ],
)
def test_a_mistake_in_the_frame_has_its_line(mine: Settings, old: str, new: str, rule: str) -> None:
    """The same for what stands in the head, the body or a section."""
    assert the_mistake(mine, MAIL, old, new).rule == rule


@pytest.mark.parametrize(
    ("html", "rule"),
    [
        ("<!-- a note -->", "template-comment"),
        ("<div>open", "template-unclosed"),
        ("</div>", "template-unclosed"),
        ("<mj-text>x</mj-text>", "template-misplaced-tag"),
        ("a < b", "template-sign"),
        ("<p style=\"color: {{ merge('name') }}\">x</p>", "template-field-in-style"),
        ("<i>" * 101 + "</i>" * 101, "template-too-deep"),
    ],
)
def test_a_mistake_in_rich_text_has_its_line(mine: Settings, html: str, rule: str) -> None:
    """Templates of rich text keep the rules that concern them."""
    assert the_mistake(mine, "footer.html", "<p", f"\n{html}<p").rule == rule


@pytest.mark.parametrize(
    "mjml",
    [
        "<mj-text padding=\"{{ 4 }}px 0 {{ '1px' }}\">x</mj-text>",
        '<mj-text {% if true %}align="left"{% else %}align="right"{% endif %}>x</mj-text>',
        '{% if true %}<mj-text align="left">{% else %}<mj-text>{% endif %}x</mj-text>',
        '{% for n in [1, 2] %}<mj-spacer height="{{ n }}px" />{% endfor %}',
        '{# <mj-nothing> #}<mj-text css-class="a b" line-height="1.5">&lt; &#8199;</mj-text>',
        '<!-- a note --><mj-divider border-width="1px" border-color="#d5dee5" />',
        '<mj-table cellpadding="0"><tr><td>x<br>y</td></tr></mj-table>',
        '<mj-button href="{{ merge(\'unsubscribe_url\') }}" border="1px solid #000">x</mj-button>',
        "{{ '<mj-text>made by a helper</mj-text>'|safe }}",
    ],
)
def test_sound_mjml_is_let_through(mine: Settings, mjml: str) -> None:
    """Jinja values, conditions, loops, notes and every right value are no mistakes."""
    path = mine.email_templates / MAIL
    text = path.read_text(encoding="utf-8").replace(*in_column(mjml), 1)
    path.write_text(text, encoding="utf-8")
    issue, _ = read(mine.root / "issues", {"news": article("Words.")})
    (email,) = Compiler(mine).compile(issue, small_registry())
    assert "Words." in str(email.html)


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        ("<mj-text padding=\"{{ '12 px' }}\">x</mj-text>", "template-attribute-value"),
        ("<mj-text color=\"{{ '{{name}}' }}\">x</mj-text>", "template-field-in-style"),
        ("<mj-text {{ 'colour=\"red\"'|safe }}>x</mj-text>", "template-unknown-attribute"),
        ("<mj-text>{% for n in range(101) %}<i>{% endfor %}</mj-text>", "template-unclosed"),
    ],
)
def test_what_jinja_makes_keeps_the_rules_too(mine: Settings, made: str, rule: str) -> None:
    """A mistake that only shows when the template is filled is traced to the line of its tag."""
    path = mine.email_templates / MAIL
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(*in_column(f"\n{made}"), 1), encoding="utf-8")
    line = text[: text.index("</mj-column>")].count("\n") + 2
    found = mistakes(mine)
    assert {f.rule for f in found} == {rule}
    assert {f.place.line for f in found} == {line}


def test_every_mistake_in_every_template_at_once(mine: Settings) -> None:
    """One run names the mistakes of all templates."""
    for name in ("footer.html", "top.html", "blocks/quote.html"):
        with (mine.email_templates / name).open("a", encoding="utf-8") as file:
            file.write("</section>\n</section>\n")
    found = [finding.place.file.removeprefix("templates/email/") for finding in mistakes(mine)]
    assert found == ["blocks/quote.html"] * 2 + ["footer.html"] * 2 + ["top.html"] * 2


def test_a_sign_of_html_in_a_style_sheet_has_its_line(mine: Settings) -> None:
    """`width < 480px`, on which MJML fails without a line, is an error with its line."""
    found = the_mistake(mine, "head.css", "@media", "\n@media (width < 480px) { } @media")
    assert "`<`" in found.found


def test_an_expression_that_fails_has_its_line(mine: Settings) -> None:
    """Whatever an expression raises ends in a finding for its line, never in a traceback."""
    found = the_mistake(mine, "footer.html", "<p", "\n{{ 1 // 0 }}<p")
    assert "ZeroDivisionError" in found.found


def test_a_template_that_is_not_utf8_is_named(mine: Settings) -> None:
    """A template saved in another encoding is an error that names it."""
    (mine.email_templates / "footer.html").write_bytes(b"<p>\xe9</p>")
    (found,) = mistakes(mine)
    assert found.place.file == "templates/email/footer.html"
    assert "UTF-8" in found.mend


def test_the_command_shows_file_and_line(project: Path) -> None:
    """`build` ends with 1 and says which line of which template to mend."""
    path = project / "templates" / "email" / "footer.html"
    path.write_text("<p>\n<!-- x --></p>", encoding="utf-8")
    result = Office(project).run("build", "6", "--out", "built")
    assert result.code == 1
    assert "templates/email/footer.html:2" in result.err + result.out


def test_looking_templates_over_is_quick(settings: Settings) -> None:
    """Every shipped template is looked over, and the style sheets read, in well under a second."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        Compiler(settings)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3
