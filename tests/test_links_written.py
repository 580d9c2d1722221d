"""The checks of links that need no network, on issues as editors write them."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsletter_mailer.checking.links.mentions import mentions
from newsletter_mailer.checking.links.personal import to_fetch
from newsletter_mailer.checking.links.wrappers import is_shortened
from newsletter_mailer.checking.links.written import RULES, written
from newsletter_mailer.errors import IssueError
from newsletter_mailer.findings import Finding, Severity
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.settings import Settings
from tests.projects import FRONT, article, read

FIXTURES = Path(__file__).parent / "fixtures"
KITCHEN_SINK = FIXTURES / "kitchen-sink" / "42-spring-2031"


def seeds() -> list[dict[str, str]]:
    """Every broken link of the two seed newsletters."""
    found: list[dict[str, str]] = []
    for number in ("01", "06"):
        data: Any = yaml.safe_load((FIXTURES / f"broken-links-{number}.yaml").read_text("utf-8"))
        found.extend(data["links"] if isinstance(data, dict) else data)
    return found


SEEDS = seeds()
BROKEN_LINES = [seed for seed in SEEDS if "line break" in seed["kind"]]


def of_kind(kind: str) -> list[Any]:
    """The seeds of a kind, as parameters of a test."""
    return [pytest.param(seed, id=seed["found"][-40:]) for seed in SEEDS if seed["kind"] == kind]


def test_every_kind_of_broken_seed_is_tested_here() -> None:
    """No kind of the fixtures is left without its test below."""
    assert {seed["kind"] for seed in SEEDS} == {
        "line break", "line break and lost hyphen", "lost hyphen", "no target", "dead anchor",
        "retired domain", "no scheme", "wrong host", "shortener",
    }  # fmt: skip


def found_in(folder: Path, body: str, settings: Settings) -> list[Finding]:
    """What is found in an article with this body, by reading or by looking at its links."""
    try:
        issue, warnings = read(folder, {"news": article(body)})
    except IssueError as error:
        return list(error.findings)
    return warnings + written(issue, settings)


def the_finding(folder: Path, body: str, settings: Settings) -> Finding:
    """The one finding in an article with this body."""
    (finding,) = found_in(folder, body, settings)
    return finding


def offered(finding: Finding) -> list[str]:
    """The addresses that a finding suggests."""
    found = re.findall(r"https?://[^\s,;]+|[\w.+-]+@[\w.-]+\w", finding.mend)
    return [address.rstrip(".)") for address in found]


def resource(url: str) -> str:
    """A resource with this link, whose line ends YAML takes for spaces."""
    link = url.replace("\n", "\n    ")
    return f"::: resources\n- name: A page\n  offers: Reading\n  link: {link}\n:::"


PASTED = {
    "bare": "Read it at {} before the meeting.",
    "bracketed": "Read [the whole page]({}) before the meeting.",
    "angled": "Read <{}> before the meeting.",
    "resource": "resource",
}


@pytest.mark.parametrize("way", PASTED)
@pytest.mark.parametrize("seed", BROKEN_LINES, ids=lambda seed: seed["found"][-30:])
def test_urls_broken_by_a_line_end_are_mended(
    seed: dict[str, str], way: str, tmp_path: Path, settings: Settings
) -> None:
    """However the URL was pasted, it is one finding, and the first suggestion is what was meant."""
    body = resource(seed["found"]) if way == "resource" else PASTED[way].format(seed["found"])
    finding = the_finding(tmp_path, body, settings)
    assert finding.rule == "link-broken-line"
    assert finding.severity is (Severity.WARNING if way == "resource" else Severity.ERROR)
    assert offered(finding)[0] == seed["mended"]
    assert len(offered(finding)) <= 3
    assert finding.place.line == FRONT + (2 if way == "resource" else 1)


@pytest.mark.parametrize("way", ["{}", "[policy]({})", "<{}>", "resource"])
@pytest.mark.parametrize("seed", of_kind("lost hyphen"))
def test_a_hyphen_lost_at_a_line_end_is_offered(
    seed: dict[str, str], way: str, tmp_path: Path, settings: Settings
) -> None:
    """A whole URL in which two words run into one is a doubt, with the hyphened URL."""
    body = resource(seed["found"]) if way == "resource" else way.format(seed["found"])
    finding = the_finding(tmp_path, body, settings)
    assert finding.severity is Severity.WARNING
    assert offered(finding)[0] == seed["mended"]


def test_an_answer_of_the_server_settles_a_doubt(tmp_path: Path, settings: Settings) -> None:
    """A URL that looks odd and is known to work is no finding; damage stays one."""
    odd, damaged = "https://example.org/policyresearch", "https://example.org/page%E2%80%9D"
    issue, _ = read(tmp_path, {"news": article(f"[policy]({odd}) and [page]({damaged})")})
    assert [found.rule for found in written(issue, settings)] == [
        "link-lost-hyphen",
        "link-quotation-mark",
    ]
    settled = written(issue, settings, answering={odd, damaged})
    assert [found.rule for found in settled] == ["link-quotation-mark"]


@pytest.mark.parametrize("seed", of_kind("no scheme"))
def test_a_bare_domain_is_offered_in_full(
    seed: dict[str, str], tmp_path: Path, settings: Settings
) -> None:
    """In the text, and as a link's target, a domain without https:// gets its addresses."""
    for body in (f"Look at {seed['found']}.", f"Look at [the website]({seed['found']})."):
        finding = the_finding(tmp_path, body, settings)
        assert seed["mended"] in offered(finding)
        assert len(offered(finding)) <= 3


def test_the_address_that_the_issue_links_elsewhere_comes_first(
    tmp_path: Path, settings: Settings
) -> None:
    """Of several spellings the one that is in use is the likeliest."""
    body = "[The board](http://www.lcitylscb.org/) is at lcitylscb.org."
    assert offered(the_finding(tmp_path, body, settings))[0] == "http://www.lcitylscb.org/"


@pytest.mark.parametrize("seed", of_kind("retired domain"))
def test_addresses_on_retired_domains_are_mended(
    seed: dict[str, str], tmp_path: Path, settings: Settings
) -> None:
    """In text, behind a link and in a contact: the address without the retired part is offered.

    So is the office's own, for a person who has left.
    """
    address = seed["found"].replace("(a personal address)", "name")
    for body in (
        f"Write to {address}.",
        f"[Write to us](mailto:{address})",
        f"::: contact\nname: Desk\nemail: {address}\n:::",
    ):
        finding = the_finding(tmp_path, body, settings)
        assert (finding.rule, finding.severity) == ("link-retired-domain", Severity.ERROR)
        assert seed["mended"] in offered(finding)
        assert re.sub(r"\.(gcsx|pnn)\b", "", address.replace("@", "@.")).replace("@.", "@") in (
            offered(finding)
        )


@pytest.mark.parametrize("seed", of_kind("no target"))
def test_a_link_without_target_leads_nowhere(
    seed: dict[str, str], tmp_path: Path, settings: Settings
) -> None:
    """The finding says so, whether the brackets for the target are there or not."""
    match = re.search(r"on the words? (.+?):", seed["found"])
    words = match[1] if match else "the multi-agency procedure"
    assert "leads nowhere" in the_finding(tmp_path, f"Read it [{words}]().", settings).found
    if words in ("here", "this link"):
        assert "leads nowhere" in the_finding(tmp_path, f"Read it [{words}].", settings).found


@pytest.mark.parametrize("seed", of_kind("dead anchor"))
def test_a_dead_anchor_leads_nowhere(
    seed: dict[str, str], tmp_path: Path, settings: Settings
) -> None:
    """The finding says so, and asks for a target."""
    finding = the_finding(tmp_path, seed["found"], settings)
    assert "leads nowhere" in finding.found
    assert "Write where the link leads" in finding.mend


@pytest.mark.parametrize("seed", of_kind("wrong host") + of_kind("shortener"))
def test_what_only_the_network_can_tell_is_left_to_the_fetcher(
    seed: dict[str, str], tmp_path: Path, settings: Settings
) -> None:
    """A well-formed URL of a wrong host, or a shortened one, is no finding here."""
    issue, _ = read(tmp_path, {"news": article(f"Read [the chapters]({seed['found']}).")})
    assert written(issue, settings) == []
    assert to_fetch(mentions(issue)) == (seed["found"],)
    assert is_shortened(seed["found"]) is (seed["kind"] == "shortener")


def test_the_shipped_issues_have_no_findings(shipped: dict[int, Issue], settings: Settings) -> None:
    """Issues 1 and 6 are written well."""
    assert {number: written(issue, settings) for number, issue in shipped.items()} == {1: [], 6: []}


def test_the_kitchen_sink_has_no_findings(registry: Registry, settings: Settings) -> None:
    """An issue with everything in it, all of it right, raises no false alarm."""
    assert written(read_issue(KITCHEN_SINK, registry)[0], settings) == []


FINE = """\
The GOV.UK pages, gov.uk, ASP.NET, Node.js, Booking.com, report.pdf, e.g. this, i.e. that, at
10.30 or 9.30-10.15, on 3.4.2031, version 2.0.1, and/or, x.y, Smith.But no. We met.Then left.

Write to name@example.org, name@nspcc.org.uk or name@secure.cjsm.net. `www.example.org` is code.

    https://example.org/code block

[NSPCC](https://www.nspcc.org.uk/) and [nspcc.org.uk](https://www.nspcc.org.uk/), also at
[www.nspcc.org.uk](https://learning.nspcc.org.uk/research) and <https://example.org/a/b>.
[name@example.org](mailto:name@example.org),
[ask](mailto:a@example.org?subject=A%20b&cc=c@example.org),
[01632 960 999](tel:+441632960999), [Childline](tel:08001111), [101](tel:101),
[abroad](tel:+3531234567).
[a list](https://example.org/?utm_source=news&utm_medium=mail), [x] and [see note 3], (https)."""


def test_ordinary_text_raises_no_alarm(tmp_path: Path, settings: Settings) -> None:
    """Brands, files, times, abbreviations, addresses for mail and code are left alone."""
    assert found_in(tmp_path, FINE, settings) == []


WRONG = {
    # what an editor wrote: the rule, the severity, and a piece of the advice
    "See www.nspcc.org.uk today.": ("link-missing", "warning", "https://www.nspcc.org.uk/"),
    "(see nspcc.org.uk/what-we-do)": ("link-missing", "warning", "https://nspcc.org.uk/what-we-do"),
    "At http:/example.org/x today.": ("link-missing", "warning", "http://example.org/x"),
    "At hxxps://example.org/x.": ("link-missing", "warning", "https://example.org/x"),
    "“https://example.org/x”": ("link-missing", "warning", "https://example.org/x."),
    "At http://http://example.org/x": ("link-missing", "warning", "http://example.org/x"),
    "[a page] (https://example.org/x)": ("link-not-a-link", "error", "[a page](https://exam"),
    "[a page](https://example.org/foo bar)": (
        "link-broken-line",
        "error",
        "https://example.org/foobar or https://example.org/foo-bar",
    ),
    "*See https://example.org/poli*\ncy": ("link-broken-line", "error", "example.org/policy or"),
    "At http://www.example.org/poli\ncy today": (
        "link-broken-line",
        "error",
        "http://www.example.org/policy or",
    ),
    "At http://www.exam ple.org/page": ("link-broken-line", "error", "http://www.example.org/page"),
    "[a page](<https://example.org/page >)": ("link-broken-line", "error", "org/page."),
    "[a page](https://example.org/page”)": ("link-quotation-mark", "error", "org/page."),
    "[a page](https://example.org/page.)": ("link-ending", "warning", "org/page."),
    "[a page](https://example.org/page,)": ("link-ending", "error", "org/page."),
    "[a page](<https://example.org/page)>)": ("link-ending", "error", "org/page."),
    "[a page](https://example.org/pa\u200bge)": ("link-hidden-character", "error", "org/page."),
    "[a page](https://example.org/pa\u00adge)": ("link-hidden-character", "error", "org/page or"),
    "[a page](https://https//example.org/a)": ("link-doubled-scheme", "error", "https://example"),
    "[a page](https://EXAMPLE.org/a)": ("link-host-case", "warning", "https://example.org/a"),
    "[a page](https://example.org/a\\b)": ("link-backslash", "error", "https://example.org/a/b"),
    "[a page](http://localhost/x)": ("link-local", "error", "public website"),
    "[a page](http://10.1.2.3/x)": ("link-local", "error", "public website"),
    "[a page](http://[::1]/x)": ("link-local", "error", "public website"),
    "[a page](http://intranet/x)": ("link-local", "error", "public website"),
    "[a page](https://files.corp/x)": ("link-local", "error", "public website"),
    "It is in file://server/share/x.doc now.": ("link-local", "error", "on a website"),
    "It is in C:\\Users\\x.doc now.": ("link-local", "error", "on a website"),
    "It is in \\\\server\\share\\x.doc now.": ("link-local", "error", "on a website"),
    "[a file](file://server/x.pdf)": ("link-target", "error", "readers cannot open"),
    "[a file](C:\\Users\\x.doc)": ("link-target", "error", "readers cannot open"),
    "[a page](hxxp://example.org/x)": ("link-target", "error", "such as http://example.org/x"),
    "[a page](http:/example.org)": ("link-target", "error", "such as http://example.org"),
    "[a page](www.example.org)": ("link-target", "error", "such as https://www.example.org/"),
    "[us](a@example.org)": ("link-target", "error", "such as mailto:a@example.org"),
    "[us](mailto://a@example.org)": ("link-target", "error", "such as mailto:a@example.org"),
    "[a page](https://www.dept.gsi.gov.uk/x)": ("link-retired-domain", "error", "www.dept.gov.uk"),
    "Write to a@pnn.police.uk.": ("link-retired-domain", "error", "the office's own"),
    "[a page](https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example%2Fx)": (
        "link-wrapped",
        "warning",
        "Write https://a.example/x.",
    ),
    "[a page](https://protect-eu.mimecast.com/s/abc?domain=nspcc.org.uk)": (
        "link-wrapped",
        "warning",
        "It cannot be read: open it, and copy the address of the page that appears (it is on nspcc",
    ),
    "[a page](https://example.org/x?fbclid=1&a=2)": (
        "link-tracking",
        "warning",
        "Write https://example.org/x?a=2.",
    ),
    "[a page](https://example.org/unsubscribe/abc123)": ("link-personal", "warning", "{{unsub"),
    "[www.nspcc.org.uk](https://evil.example.org/)": ("link-shows-other", "error", "Correct"),
    "[example.org/a](https://example.org/b)": ("link-shows-other", "warning", "Correct"),
    "[a@example.org](mailto:b@example.org)": ("link-shows-other", "error", "Correct"),
    "[01632 960 999](tel:01632960998)": ("link-shows-other", "error", "Correct"),
    "[ask](mailto:%20a@example.org)": ("link-mailto", "error", "Write mailto:a@example.org."),
    "[ask](mailto:a@example.org?subjct=x)": ("link-mailto", "warning", "Take it out"),
    "[ring](tel:016329609)": ("link-phone", "error", "Look the number up"),
    "[ring](tel:016329609991)": ("link-phone", "error", "Look the number up"),
    "[ring](tel:0800-CALL-NOW)": ("link-phone", "error", "Look the number up"),
    "[ring](tel:+4401632960999)": ("link-phone", "error", "Write +441632960999."),
    "[ring](tel:441632960999)": ("link-phone", "error", "Write +441632960999."),
    "[ring](tel:01632%20960%20999)": ("link-phone", "error", "Write 01632960999."),
    "::: contact\nname: Desk\nphone: +44 (0)1632 960 999\n:::": (
        "link-phone",
        "error",
        "Write +441632960999.",
    ),
    "::: contact\nname: Desk\nphone: 01632 960 999 ext 12\n:::": (
        "link-phone",
        "error",
        "Write 01632 960 999.",
    ),
    "::: resources\n- name: Films\n  offers: '[Films](https://example.org/x)'\n:::": (
        "link-not-a-link",
        "error",
        "in the text of the article",
    ),
    "::: callout See www.example.org\nNow.\n:::": ("link-missing", "warning", "https://www.exam"),
}


@pytest.mark.parametrize("body", WRONG)
def test_each_mistake_is_one_finding_with_its_mend(
    body: str, tmp_path: Path, settings: Settings
) -> None:
    """Each mistake is found once, as bad as it is, with what to write in its place."""
    rule, severity, mend = WRONG[body]
    finding = the_finding(tmp_path, body, settings)
    assert (finding.rule, finding.severity) == (rule, severity)
    assert mend in finding.mend
    assert finding.found
    assert finding.expected
    assert finding.place.file == "issues/07-winter-2019/articles/news.md"


def test_every_rule_has_a_case_here() -> None:
    """No rule is without a mistake that it finds."""
    shown = {rule for rule, _, _ in WRONG.values()}
    assert RULES - shown == {"link-lost-hyphen", "link-nowhere"}, "which have tests of their own"
    assert shown - RULES == {"link-target"}, "which reading reports"


def test_allowed_hosts_are_not_called_local(tmp_path: Path, settings: Settings) -> None:
    """What the office allows by name is left to it."""
    issue, _ = read(tmp_path, {"news": article("[a page](http://localhost/x)")})
    allowing = settings.model_copy(update={"links_allow": ("localhost",)})
    assert written(issue, allowing) == []


def test_the_check_is_fast(shipped: dict[int, Issue], settings: Settings) -> None:
    """Issue 6 takes under 20 ms of processor time, the best of ten runs."""

    def once() -> float:
        start = time.process_time()
        written(shipped[6], settings)
        return time.process_time() - start

    assert min(once() for _ in range(10)) < 0.020


@pytest.mark.parametrize(
    "noise",
    ["a" * 50_000, "a." * 20_000, "[a](" * 10_000, "[a](" + " " * 20_000, "http://a " * 5_000,
     "a@" * 20_000, "https://example.org/" + "a" * 20_000, "<http:" * 5_000, "." * 50_000],
)  # fmt: skip
def test_no_text_makes_the_check_slow(noise: str, tmp_path: Path, settings: Settings) -> None:
    """Long texts of one kind of sign take time in proportion to their length."""
    issue, _ = read(tmp_path, {"news": article(f"x {noise} x")})
    start = time.process_time()
    written(issue, settings)
    assert time.process_time() - start < 3
