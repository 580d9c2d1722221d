"""Mails use only what their readers' mail programs can show."""

import json
import os
import re
import sys
import tarfile
import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from newsletter_mailer.checking.clients import FORBIDDEN, clients
from newsletter_mailer.checking.data import caniemail
from newsletter_mailer.checking.features import used_in
from newsletter_mailer.cli import issues
from newsletter_mailer.cli.app import begin
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.merge import Segments
from newsletter_mailer.errors import UsageError
from newsletter_mailer.findings import Finding, Severity
from newsletter_mailer.settings import SETTINGS_FILE, Client, Clients, Settings
from tests.office import Office

Compiled = dict[int, tuple[CompiledEmail, ...]]


@pytest.fixture
def office(project: Path) -> Office:
    """An office with a copy of the shipped project."""
    return Office(project)


def page(body: str, css: str = "") -> str:
    """A mail's HTML with this body and style sheet."""
    return f"<!DOCTYPE html><html><head><style>{css}</style></head><body>{body}</body></html>"


def linted(
    compiled: Compiled, settings: Settings, body: str, css: str = "", **parts: tuple[object, ...]
) -> list[Finding]:
    """The findings in a mail with this body and style sheet."""
    email = replace(compiled[6][0], html=Segments.of(page(body, css)))
    if parts:
        settings = settings.model_copy(update={"clients": Clients.model_validate(parts)})
    return clients([email], settings)


def add_css(office: Office, line: str) -> int:
    """Add a line to the style sheet in the mail's head; the answer is its number."""
    path = office.folder / "templates" / "email" / "head.css"
    text = path.read_text(encoding="utf-8").rstrip("\n") + f"\n{line}\n"
    path.write_text(text, encoding="utf-8")
    return text.count("\n")


def change_settings(office: Office, old: str, new: str) -> None:
    """Put `new` in the place of `old` in the settings file."""
    path = office.folder / SETTINGS_FILE
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("number", [1, 6])
def test_shipped_templates_are_clean(compiled: Compiled, settings: Settings, number: int) -> None:
    """The shipped mails use nothing that many readers lack, but what degrades gracefully."""
    assert clients(compiled[number], settings) == []


def test_every_graceful_feature_is_needed(compiled: Compiled, settings: Settings) -> None:
    """The shipped settings allow no feature that the shipped mails do not use."""
    pages = [str(email.html) for emails in compiled.values() for email in emails]
    assert set(settings.clients.graceful) <= set(used_in(pages).features)


def test_all_variants_are_looked_over_quickly(compiled: Compiled, settings: Settings) -> None:
    """The 22 variants of issue 6 take less than 0.6 seconds of work."""
    start = time.process_time()
    clients(compiled[6], settings)
    assert time.process_time() - start < 0.6


@pytest.mark.parametrize(
    ("body", "css", "slug"),
    [
        ('<div style="display: flex">x</div>', "", "css-display-flex"),
        ("", ".a { display: inline-flex !important }", "css-display-flex"),
        ("", "@media (min-width: 1px) { .a { display: grid } }", "css-display-grid"),
        ('<td style="position:absolute">x</td>', "", "css-position"),
        ('<p style="color: var(--ink)">x</p>', "", "css-variables"),
        ("", ":root { --ink: #000000 }", "css-variables"),
        ('<td style="width: calc(100% - 2px)">x</td>', "", "css-unit-calc"),
        ("<svg><circle /></svg>", "", "html-svg"),
        ('<form action="https://example.org">x</form>', "", "html-form"),
        ("<script>alert(1)</script>", "", "html-script"),
        ("<video></video>", "", "html-video"),
    ],
)
def test_what_tears_mails_apart_is_always_an_error(
    compiled: Compiled, settings: Settings, body: str, css: str, slug: str
) -> None:
    """Flex, grid, positions, drawings, forms and the like are errors, graceful or not."""
    found = linted(compiled, settings, body, css, graceful=tuple(FORBIDDEN - {"html-script"}))
    assert slug in FORBIDDEN
    (error,) = (finding for finding in found if finding.severity is Severity.ERROR)
    assert error.rule == "client-forbidden"
    title = caniemail.support().features[slug].title if slug != "html-script" else "<script>"
    assert title in error.found


def test_what_few_readers_lack_is_fine(compiled: Compiled, settings: Settings) -> None:
    """Tables, colours, padding and headings are what mails are made of."""
    body = '<table role="presentation" width="600"><tr><td align="left" style="padding: 4px; '
    body += 'color: #000000; font-size: 16px"><h2>News</h2><p>A <a href="https://example.org">'
    assert linted(compiled, settings, body + "link</a></p></td></tr></table>") == []


def test_a_feature_that_many_lack_warns(compiled: Compiled, settings: Settings) -> None:
    """Rounded corners, which Outlook on Windows lacks, warn with the share of its readers."""
    (finding,) = linted(compiled, settings, '<td style="border-radius: 4px">x</td>', graceful=())
    assert (finding.rule, finding.severity) == ("client-support", Severity.WARNING)
    assert "35%" in finding.found
    assert "outlook windows" in finding.found
    assert "css-border-radius" in finding.mend


def test_graceful_features_are_allowed(compiled: Compiled, settings: Settings) -> None:
    """A feature that the settings call graceful does not warn; another still does."""
    body = '<td style="border-radius: 4px; text-shadow: 1px 1px #000000">x</td>'
    (finding,) = linted(compiled, settings, body, graceful=("css-border-radius",))
    assert "text-shadow" in finding.found


@pytest.mark.parametrize(("weight", "found"), [(0.1, 0), (0.11, 1)])
def test_a_tenth_of_the_readers_may_lack_a_feature(
    compiled: Compiled, settings: Settings, weight: float, found: int
) -> None:
    """A feature may be missing for 10 % of the readers, and not for more."""
    audience = (
        Client(family="outlook", platform="windows", weight=weight),
        Client(family="apple-mail", platform="macos", weight=1 - weight),
    )
    body = '<td style="border-radius: 4px">x</td>'
    assert len(linted(compiled, settings, body, audience=audience)) == found


def test_weights_need_not_make_one(compiled: Compiled, settings: Settings) -> None:
    """Weights count against their sum: readers of Apple Mail alone lack no rounded corners."""
    body = '<td style="border-radius: 4px">x</td>'
    apple = Client(family="apple-mail", platform="macos", weight=0.05)
    assert linted(compiled, settings, body, audience=(apple,)) == []


@pytest.mark.parametrize(
    ("body", "css"),
    [
        ('<!--[if mso]><form style="position: absolute"></form><![endif]-->', ""),
        ("<!--[if mso | IE]><table><tr><td style='display:flex'><![endif]--><p>x</p>", ""),
        ("<!-- <video></video> -->", ""),
        ("", "/* .a { display: flex } */ .b { color: #000000 }"),
        ("", ".a { font-family: 'calc(1px) position: fixed; display: flex' }"),
        ("<p>Write display: flex, position: absolute or calc(1px).</p>", ""),
        ('<p class="form" title="position: fixed">x</p>', ""),
        ('<td style="background-position: top; vertical-align: top">x</td>', ""),
    ],
)
def test_what_only_looks_like_a_feature_is_none(
    compiled: Compiled, settings: Settings, body: str, css: str
) -> None:
    """Outlook's own comments, other comments, strings and words are not looked at."""
    graceful = tuple(caniemail.support().features)
    assert linted(compiled, settings, body, css, graceful=graceful) == []


def test_what_outlook_alone_does_not_see_is_looked_at(
    compiled: Compiled, settings: Settings
) -> None:
    """What stands between `<!--[if !mso]><!-->` and its end is for all others, and counts."""
    body = "<!--[if !mso]><!--><video></video><!--<![endif]-->"
    (finding,) = linted(compiled, settings, body)
    assert "<video>" in finding.found


@pytest.mark.parametrize(
    ("html", "slugs"),
    [
        ('<td style="padding-left: 1em; margin: 5% 0">', {"css-padding", "css-margin",
                                                         "css-unit-em", "css-unit-percent"}),
        ('<td style="border-top-left-radius: 1px">', {"css-border-radius", "css-unit-px"}),
        ('<td style="border-top: 1px solid; left: 0">', {"css-border",
                                                         "css-left-right-top-bottom"}),
        ('<td style="background: linear-gradient(red, blue)">', {"css-background",
                                                                 "css-linear-gradient"}),
        ('<td style="width: max-content; height: 1rem">', {"css-intrinsic-size", "css-width",
                                                           "css-height", "css-unit-rem"}),
        ('<td style="row-gap: 1px; overflow-x: hidden">', {"css-gap", "css-overflow"}),
        ('<h3 id="a">x</h3><a href="#a">y</a><a href="mailto:a@example.org">z</a>',
         {"html-h1-h6", "html-anchor-links", "html-mailto-links"}),
        ('<img src="a.webp" srcset="b.png 2x" width="3" alt="">',
         {"html-img", "image-webp", "html-srcset", "html-width"}),
        ('<img src="data:image/png;base64,AAAA">', {"image-base64"}),
        ('<section aria-label="x"><ul><li>a</li></ul></section>',
         {"html-semantics", "html-aria-label", "html-lists"}),
        ('<input type="checkbox"><button type="submit">x</button>',
         {"html-input-checkbox", "html-button-submit"}),
        ('<meta name="color-scheme" content="light dark">', {"html-meta-color-scheme"}),
    ],
)  # fmt: skip
def test_features_in_html(html: str, slugs: set[str]) -> None:
    """Properties, values, units, functions, elements and attributes are told apart."""
    features = set(used_in([page(html)]).features)
    assert slugs <= features
    assert slugs <= set(caniemail.support().features)


@pytest.mark.parametrize(
    ("css", "slugs"),
    [
        ("@media (prefers-color-scheme: dark) { p { color: red } }",
         {"css-at-media", "css-at-media-prefers-color-scheme", "css-selector-type"}),
        ("@media (orientation: portrait) and (hover) { p { float: left } }",
         {"css-at-media-orientation", "css-at-media-hover", "css-float"}),
        ("@font-face { font-family: X; src: url(x) }", {"css-at-font-face"}),
        ("@import url('a.css'); p { color: red !important }",
         {"css-at-import", "css-important"}),
        ("@supports (gap: 1px) { p { gap: 1px } }", {"css-at-supports", "css-gap"}),
        ("@keyframes x { from { opacity: 0 } }", {"css-at-keyframes"}),
        ("a:hover, li:nth-child(2), p::before { color: red }",
         {"css-pseudo-class-hover", "css-pseudo-class-nth-child", "css-pseudo-element-before",
          "css-selector-grouping"}),
        ("#a > .b.c + p ~ * [title] p { color: red }",
         {"css-selector-id", "css-selector-child", "css-selector-chaining",
          "css-selector-adjacent-sibling", "css-selector-general-sibling",
          "css-selector-universal", "css-selector-attribute", "css-selector-descendant"}),
        (".a { color: red; .b { text-shadow: none } }", {"css-nesting", "css-text-shadow"}),
        (".a { width: 10vw } .b { width: min(1px, 2px)", {"css-unit-vw", "css-function-min"}),
    ],
)  # fmt: skip
def test_features_in_style_sheets(css: str, slugs: set[str]) -> None:
    """At-rules, media features, selectors and nested rules are told apart."""
    features = set(used_in([page("", css)]).features)
    assert slugs <= features
    assert slugs <= set(caniemail.support().features)


def test_a_finding_stands_at_the_template_s_line(office: Office) -> None:
    """A position in a style sheet is an error at its line there, and stops check and build."""
    line = add_css(office, ".card { position: relative; }")
    result = office.run("check", "6", "--json")
    assert result.code == 1
    (finding,) = (each for each in result.data["findings"] if each["rule"] == "client-forbidden")
    assert (finding["file"], finding["line"]) == ("templates/email/head.css", line)
    assert office.run("build", "6", "--out", "made").code == 1
    assert not (office.folder / "made").exists()


def test_a_warning_stands_at_the_template_s_line_too(office: Office) -> None:
    """A shadow under words warns at its line; once the settings allow it, it does not."""
    line = add_css(office, "h1 { text-shadow: 1px 1px #000000; }")
    (finding,) = office.ok("check", "6", "--json").data["findings"]
    assert finding["severity"] == "warning"
    assert (finding["file"], finding["line"]) == ("templates/email/head.css", line)
    change_settings(office, "graceful = [", 'graceful = [ "css-text-shadow",')
    assert office.ok("check", "6", "--json").data["findings"] == []


def test_an_unknown_mail_program_is_refused(office: Office) -> None:
    """A mail program that nobody has tested ends with 2 and names those there are."""
    change_settings(office, 'platform = "outlook-com"', 'platform = "outlok-com"')
    result = office.run("check", "6")
    assert result.code == 2
    assert "'outlook outlok-com'" in result.err
    assert "outlook outlook-com" in result.err


def test_a_misspelt_feature_warns_at_its_line(office: Office) -> None:
    """A graceful feature that does not exist warns, with what was probably meant."""
    change_settings(office, '"css-border-radius"', '"css-border-radios"')
    findings = office.ok("check", "6", "--json").data["findings"]
    (finding,) = (each for each in findings if each["rule"] == "unknown-feature")
    lines = (office.folder / SETTINGS_FILE).read_text(encoding="utf-8").splitlines()
    assert "css-border-radios" in lines[finding["line"] - 1]
    assert finding["file"] == SETTINGS_FILE
    assert finding["mend"] == "Did you mean css-border-radius?"


def test_weights_are_shares(office: Office) -> None:
    """A weight above 1 is refused with its line, as other settings are."""
    change_settings(office, "weight = 0.35", "weight = 35")
    result = office.run("check", "6")
    assert result.code == 2
    assert re.search(r"newsletter\.toml:\d+: clients\.audience\.0\.weight is 35", result.err)


# The data


def test_the_data_says_where_it_is_from() -> None:
    """The data names its source, version, day and licence, and the licence is beside it."""
    kept = json.loads(caniemail.FILE.read_text(encoding="utf-8"))
    assert all(kept[key] for key in ("source", "version", "licence"))
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", kept["date"])
    licence = caniemail.FILE.with_name(caniemail.LICENCE_FILE).read_text(encoding="utf-8")
    assert "MIT License" in licence
    assert set(FORBIDDEN) - {"html-script"} <= set(caniemail.support().features)


def feature(slug: str) -> dict[str, object]:
    """A feature as the package holds it, of which newer versions of a program know more."""
    return {
        "slug": slug,
        "title": slug.upper(),
        "category": "css",
        "url": f"https://example.org/{slug}/",
        "stats": {"outlook": {"windows": {"2007": "n", "2019": "a #1"}}, "hey": {"ios": {}}},
    }


def package(folder: Path, data: object) -> Path:
    """A package such as npm would fetch."""
    files = {
        "data/caniemail.json": json.dumps(data),
        "package.json": json.dumps({"version": "9.8.7", "license": "MIT"}),
        "LICENSE": "MIT License",
    }
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, BytesIO(text.encode()))
    return path


def install_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program called npm, first on the path."""
    npm = folder / "npm"
    npm.write_text(f"#!{sys.executable}\n{script}\n", encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


COPY = "import shutil; shutil.copy({!r}, 'caniemail-9.8.7.tgz')"


def test_the_data_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refreshing keeps what the newest version of each program does, and the licence."""
    data = {"last_update_date": "2030-01-02 03:04:05 +0000", "data": [feature("css-new")]}
    install_npm(tmp_path, monkeypatch, COPY.format(str(package(tmp_path, data))))
    made = caniemail.refresh(tmp_path)
    assert (made.version, made.date, made.clients) == ("9.8.7", "2030-01-02", ("outlook windows",))
    assert made.features["css-new"].support == {"outlook windows": "a"}
    assert (tmp_path / caniemail.LICENCE_FILE).read_text(encoding="utf-8") == "MIT License"
    assert sorted(path.suffix for path in tmp_path.iterdir()) == ["", ".json", ".tgz", ".txt"]


@pytest.mark.parametrize(
    "data", [{}, [], {"last_update_date": "2030-01-02", "data": []}, {"data": [{"slug": "x"}]}]
)
def test_data_in_another_shape_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: object
) -> None:
    """A package that is not as it was leaves the data as it is, and says so."""
    kept = tmp_path / caniemail.FILE.name
    kept.write_text("as it was", encoding="utf-8")
    install_npm(tmp_path, monkeypatch, COPY.format(str(package(tmp_path, data))))
    with pytest.raises(UsageError, match="not in the shape"):
        caniemail.refresh(tmp_path)
    assert kept.read_text(encoding="utf-8") == "as it was"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; sys.exit('no network here')", "no network here"),
        ("", "fetched no package"),
        ("open('caniemail-1.tgz', 'wb').write(b'no archive')", "not in the shape"),
    ],
)
def test_npm_that_fails_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    """Whatever npm does, the user is told, and no data is lost."""
    install_npm(tmp_path, monkeypatch, script)
    with pytest.raises(UsageError, match=said):
        caniemail.refresh(tmp_path)


def run_clients(office: Office, *words: str) -> tuple[int, str]:
    """The `clients` command in an office: its code and what it printed."""
    app = typer.Typer()
    app.callback()(begin)
    app.command()(issues.clients)
    result = CliRunner().invoke(app, ["--project", str(office.folder), "clients", *words])
    if isinstance(result.exception, UsageError):
        return result.exception.exit_code, str(result.exception)
    return result.exit_code, result.output


def test_clients_shows_the_audience(office: Office) -> None:
    """The command names the data's day and the mail programs that count."""
    code, output = run_clients(office, "--json")
    data = json.loads(output)
    assert (code, data["date"]) == (0, caniemail.support().date)
    assert data["audience"]["outlook windows"] == 0.35
    assert sum(data["audience"].values()) == pytest.approx(1)


def test_refreshing_without_npm_says_what_to_install(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where npm is not there, `clients --refresh` ends with 2 and names what brings it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said = run_clients(office, "--refresh")
    assert code == 2
    assert "Node.js" in said


def test_damaged_data_is_a_message(tmp_path: Path) -> None:
    """A data file that was cut off is a message, and no traceback."""
    path = tmp_path / "caniemail.json"
    path.write_text('{"version": ', encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        caniemail.support(path)
