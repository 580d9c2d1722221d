"""The content guard: what never belongs in an issue is found where it stands, and not repeated.

No number here is a person's: NHS numbers and UPNs are made up as they are needed, and
mobiles are those that Ofcom keeps for drama.
"""

import datetime as dt
import re
import time
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsletter_mailer.checking.content.guard import RULES, content
from newsletter_mailer.checking.content.identifiers import is_nhs_number, is_upn
from newsletter_mailer.checking.mail import WAIVABLE
from newsletter_mailer.findings import Finding, Place, Severity
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Article, Issue, Link, Paragraph, Text
from newsletter_mailer.reading.headers import IssueHead
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.settings import Settings
from tests.office import Office
from tests.projects import FRONT, HEAD, ROOT, article, small_registry, write_issue

NHS = "943 476 5919"
"""The NHS Data Dictionary's own example."""

NEWS = "issues/07-winter-2019/articles/news.md"
UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


def judged(settings: Settings, text: str, target: str = "") -> list[Finding]:
    """The findings in an issue that says this, and links there."""
    place = Place("issues/none.md")
    link = (Link(target, (Text("the page"),), place),) if target else ()
    head = IssueHead.model_validate(
        {"number": 7, "title": "News", "date": "2019-01-21", "subject": "News",
         "preheader": "More", "articles": ["news"]}
    )  # fmt: skip
    block = Paragraph((Text(text), *link), place=place)
    news = Article("news", (Text("News"),), (), None, frozenset(), (block,), place)
    return content(Issue("07-winter-2019", head, (), (), None, (news,), place), settings)


def rules(settings: Settings, text: str, target: str = "") -> list[str]:
    """The rules that it breaks."""
    return [finding.rule for finding in judged(settings, text, target)]


def bare(text: str) -> str:
    """Letters and digits only."""
    return re.sub(r"[\W_]", "", text)


def assert_hidden(findings: list[Finding], *secrets: str) -> None:
    """No finding says any of them, however it is spaced."""
    for finding in findings:
        for secret in secrets:
            assert bare(secret).casefold() not in bare(str(finding)).casefold()


# Numbers

GAPS = st.sampled_from(
    ["", " ", "-", "\u00a0", "\u2011", "\u2009", "  ", " - ", "\u200b", "\u2013"]
)
AROUND = st.sampled_from(
    ["{}", "See {}.", "The child ({}) moved.", "a, {}, b", "In 2018 {} was\u2026", "\u201c{}\u201d"]
)


@st.composite
def nhs_numbers(draw: st.DrawFn) -> str:
    """Ten digits with the right check digit; the first is not 0."""
    nine = draw(st.from_regex(r"[1-9][0-9]{8}", fullmatch=True))
    check = 11 - sum(int(digit) * (10 - at) for at, digit in enumerate(nine)) % 11
    assume(check != 10)
    return nine + str(check % 11)


@given(number=nhs_numbers(), one=GAPS, two=GAPS, around=AROUND)
def test_every_nhs_number_is_found(
    settings: Settings, number: str, one: str, two: str, around: str
) -> None:
    """However it is spaced, and whatever stands around it; what shows of it is masked."""
    spaced = f"{number[:3]}{one}{number[3:6]}{two}{number[6:]}"
    (finding,) = judged(settings, around.format(spaced))
    assert finding.rule == "nhs-number"
    assert f"{number[:3]}" in finding.found
    assert_hidden([finding], number)
    sure = number[0] in "4679" and not number.startswith("999")
    assert finding.severity is (Severity.ERROR if sure else Severity.WARNING)


@given(number=nhs_numbers())
def test_a_number_that_is_called_an_nhs_number_is_an_error(settings: Settings, number: str) -> None:
    """Where the words say what it is, only numbers for tests, 999, are doubtful."""
    for words in ("NHS number: {}", "NHS No. {}", "NHS{}", "the NHS number of Child B is {}"):
        (finding,) = judged(settings, words.format(number))
        sure = not number.startswith("999")
        assert finding.severity is (Severity.ERROR if sure else Severity.WARNING)


def test_a_first_0_needs_the_words(settings: Settings) -> None:
    """Ten digits that begin with 0 are a phone number, unless they are called an NHS number."""
    number = next(f"01012{n:05}" for n in range(100_000) if is_nhs_number(f"01012{n:05}"))
    assert rules(settings, f"Ring {number}.") == []
    assert rules(settings, f"CHI number {number}") == ["nhs-number"]


@given(number=nhs_numbers(), other=st.integers(1, 9))
def test_a_wrong_check_digit_is_no_nhs_number(settings: Settings, number: str, other: int) -> None:
    """One digit off is not found, called an NHS number or not."""
    wrong = number[:9] + str((int(number[9]) + other) % 10)
    assert judged(settings, f"NHS number {wrong}") == []


@given(number=nhs_numbers(), digit=st.integers(0, 9))
def test_parts_of_something_else_are_no_nhs_numbers(
    settings: Settings, number: str, digit: int
) -> None:
    """Longer runs of digits, prices, percentages, references, books and foreign numbers."""
    for text in (
        f"{digit}{number}", f"{number}{digit}", f"£{number}", f"{number}.{digit}", f"{number}%",
        f"{digit}.{number}", f"{digit}-{number}", f"REF{number}", f"{number}kg", f"ISBN {number}",
        f"ISBN-10: {number}", f"+44 {number}", f"0044 {number}", f"+1 {number}", f"(0){number}",
        f"https://example.org/{number}/page", f"example.org/{number}",
        f"www.example.org/?p={number}",
    ):  # fmt: skip
        assert "nhs-number" not in rules(settings, text), text


@given(digits=st.from_regex(r"[0-9]{10}", fullmatch=True), name=st.sampled_from(["id", "p", "ref"]))
def test_numbers_in_links_are_left_alone(settings: Settings, digits: str, name: str) -> None:
    """Whatever ten digits stand in a URL's path, query or fragment: none is taken for a person."""
    for target in (f"/{digits}", f"/a-{digits}.pdf", f"/?{name}={digits}", f"/#{digits}"):
        assert judged(settings, "Words", "https://example.org" + target) == []


@given(digits=st.from_regex(r"[1-9][0-9]{9}", fullmatch=True))
def test_false_alarms_of_ten_digits(settings: Settings, digits: str) -> None:
    """Ten digits that stand alone are found if their check digit fits, and not otherwise."""
    assert bool(judged(settings, digits)) == is_nhs_number(digits)


def test_how_often_chance_looks_like_an_nhs_number() -> None:
    """One run of ten digits in eleven passes, as the documentation says."""
    runs = [f"{n:010}" for n in range(4_000_000_000, 4_000_110_000)]
    assert sum(map(is_nhs_number, runs)) == pytest.approx(len(runs) / 11, rel=0.01)


@given(st.from_regex(r"0(11[3-8]|121|161|20|1[2-9]63|300|345|800)[0-9]{7,8}", fullmatch=True))
def test_phone_numbers_are_left_alone(settings: Settings, number: str) -> None:
    """UK landlines and service numbers of 11 digits, as people write them."""
    assume(len(number) == 11)
    n = number
    for text in (
        n, f"{n[:4]} {n[4:7]} {n[7:]}", f"{n[:5]} {n[5:]}", f"{n[:5]} {n[5:8]} {n[8:]}",
        f"{n[:3]} {n[3:7]} {n[7:]}", f"({n[:4]}) {n[4:7]} {n[7:]}", f"({n[:4]}){n[4:]}",
        f"{n[:4]}-{n[4:7]}-{n[7:]}", f"+44 {n[1:4]} {n[4:7]} {n[7:]}", f"+44 (0){n[1:]}",
        f"+44 (0) {n[1:4]} {n[4:7]} {n[7:]}", f"+44{n[1:]}", f"0044 {n[1:4]} {n[4:7]} {n[7:]}",
    ):  # fmt: skip
        assert judged(settings, f"Ring {text}.", f"tel:{n}") == [], text


@st.composite
def upns(draw: st.DrawFn) -> str:
    """A UPN with the right check letter; one in two is temporary."""
    rest = draw(st.from_regex(r"[0-9]{11}", fullmatch=True))
    rest += draw(st.sampled_from("0123456789" + UPN_LETTERS))
    values = [int(sign) if sign.isdigit() else UPN_LETTERS.index(sign) for sign in rest]
    return UPN_LETTERS[sum(v * w for w, v in enumerate(values, start=2)) % 23] + rest


@given(upn=upns(), gap=st.sampled_from(["", " ", "-", "\u00a0"]), around=AROUND)
def test_every_upn_is_found(settings: Settings, upn: str, gap: str, around: str) -> None:
    """Permanent and temporary, together and in its parts, in capitals and not."""
    spaced = gap.join([upn[0], upn[1:4], upn[4:8], upn[8:10], upn[10:]])
    for written in (spaced, spaced.lower()):
        findings = judged(settings, around.format(written))
        assert [finding.rule for finding in findings] == ["upn"]
        assert_hidden(findings, upn)


@given(upn=upns(), steps=st.integers(1, 22))
def test_a_wrong_check_letter_is_no_upn(settings: Settings, upn: str, steps: int) -> None:
    """Any other letter before the same digits is not found."""
    letter = UPN_LETTERS[(UPN_LETTERS.index(upn[0]) + steps) % 23]
    assert rules(settings, f"UPN {letter}{upn[1:]}") == []


def test_the_check_letter_of_a_known_upn() -> None:
    """2·8 + 4·1 + 5·2 + 10·5 + 13·1 = 93, which leaves 1 when divided by 23: B."""
    assert is_upn("B801200005001")
    assert not is_upn("A801200005001")


FORBIDDEN = ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


@given(
    prefix=st.from_regex(r"[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z]", fullmatch=True),
    six=st.from_regex(r"[0-9]{6}", fullmatch=True),
    suffix=st.sampled_from("ABCD"),
    gap=st.sampled_from(["", " ", "-", "\u00a0"]),
    around=AROUND,
)
def test_every_national_insurance_number_is_found(
    settings: Settings, prefix: str, six: str, suffix: str, gap: str, around: str
) -> None:
    """With HMRC's prefixes, however spaced; with those that are never given out it is none."""
    number = prefix + six + suffix
    spaced = gap.join([prefix, six[:2], six[2:4], six[4:], suffix])
    findings = judged(settings, around.format(spaced))
    assert [finding.rule for finding in findings] == ["ni-number"] * (prefix not in FORBIDDEN)
    assert_hidden(findings, number)
    assert rules(settings, f"NI number {spaced.lower()}") == [f.rule for f in findings]


@pytest.mark.parametrize(
    "text",
    ["QQ 12 34 56 C", "DA123456A", "AO123456A", "AB123456E", "XAB123456C", "AB1234567C",
     "at 10 11 12 a", "AB123456", "ab 12 34 56 c"],
)  # fmt: skip
def test_what_only_looks_like_one_is_none(settings: Settings, text: str) -> None:
    """HMRC's example, wrong letters, parts of longer codes, and times of day."""
    assert judged(settings, f"See {text} there") == []


def test_former_temporary_numbers_are_found(settings: Settings) -> None:
    """TN, a date of birth and the sex, as they were given out."""
    assert rules(settings, "TN 03 04 78 F") == ["ni-number"]


# Mobiles


@given(
    seven=st.one_of(
        st.from_regex(r"7[1-57-9][0-9]{8}", fullmatch=True),
        st.from_regex(r"7624[0-9]{6}", fullmatch=True),
    ),
    gap=st.sampled_from(["", " ", "-", "\u00a0"]),
)
def test_every_mobile_is_found(settings: Settings, seven: str, gap: str) -> None:
    """In the forms that people write, and in links to ring or to write to it."""
    parts = gap.join([seven[:4], seven[4:7], seven[7:]])
    for text in (
        f"0{parts}", f"+44 {parts}", f"+44{gap}{parts}", f"+44 (0){parts}", f"0044 {parts}",
        f"(0{seven[:4]}) {seven[4:]}", f"0{seven[:4]} {seven[4:]}",
    ):  # fmt: skip
        findings = judged(settings, f"Text {text} today.")
        assert [finding.rule for finding in findings] == ["personal-mobile"], text
        assert_hidden(findings, seven)
    for target in (f"tel:0{seven}", f"tel:+44{seven}", f"https://wa.me/44{seven}",
                   f"https://example.org/?phone=0{seven}"):  # fmt: skip
        findings = judged(settings, f"Text 0{parts}", target)
        assert [finding.rule for finding in findings] == ["personal-mobile"], target
        assert_hidden(findings, seven)


@given(st.from_regex(r"07(0[0-9]|6[013-9])[0-9]{7}", fullmatch=True))
def test_other_07_numbers_are_no_mobiles(settings: Settings, number: str) -> None:
    """Personal numbering, 070, and pagers, 076."""
    assert judged(settings, f"Ring {number[:5]} {number[5:]}") == []


@pytest.mark.parametrize(
    "text", ["07-10-2018 12.30 and 13.30", "070 7777 7777", "1077009001234", "07.15 10.30 11.20"]
)
def test_dates_and_times_are_no_mobiles(settings: Settings, text: str) -> None:
    """Digits that begin with 07 by chance."""
    assert judged(settings, text) == []


# Dates of birth

BORN = [
    "DOB 03/04/2011", "DOB: 3.4.11", "D.O.B. 2011-04-03", "d.o.b 03-04-2011", "dob 3 Apr 2011",
    "Date of birth: 3rd April 2011", "date of birth is April 3, 2011", "Birthdate 3 April 2011",
    "the child's date of birth (Child B) was 3 April 2011", "03/04/2011 (DOB)",
    "DoB 3rd of April 2011", "Date of birth of J. Bloggs: 3 April 2011",
    "DOB (known to the police): 3 April 2011",
    "Jo Bloggs, born 3 April 2011, lives", "Jo Bloggs (b. 03/04/2011)", "Jo Bloggs b. 3.4.11",
    "Jo Bloggs was born on 3 April 2011", "Child B (born on 03/04/2011)", "DOBs? DOB 3 April 2011",
    "Zoë Ångström, who was born on the 3rd of April 2011",
]  # fmt: skip
NOT_BORN = [
    "children born on or after 1 September 2018", "children born on 1 January 2017",
    "born after 31 August 2014", "a date of birth between 1 September 2014 and 31 August 2015",
    "dates of birth from 1 May 2010 to 30 June 2011", "DOB 1 May 2010 - 30 June 2011",
    "with a date of birth of 31 August 2014 or earlier", "Write the date of birth. On 3 April 2011",
    "Jo Bloggs, 14, said on 3 April 2011", "born in 2011", "Jo Bloggs was born in April 2011",
    "Early Years children born on 1 September 2018", "Give name and date of birth by 3 April 2019",
    "A service born on 3 April 2011", "Send the date of birth form by Friday, 3 April 2019",
    "Rebecca b 14", "Check the date of birth; 3 April 2011",
]  # fmt: skip


@pytest.mark.parametrize("text", BORN)
def test_a_date_of_birth_is_found(settings: Settings, text: str) -> None:
    """Beside the words for it, or right after a name; the date is not repeated."""
    findings = judged(settings, text)
    assert [finding.rule for finding in findings] == ["birth-date"]
    assert not re.search("[0-9]", findings[0].found)


@pytest.mark.parametrize("text", NOT_BORN)
def test_rules_about_ages_are_no_dates_of_birth(settings: Settings, text: str) -> None:
    """Periods, deadlines, ages, and dates in the next sentence."""
    assert judged(settings, text) == []


# Markings

MARKED = [
    "OFFICIAL-SENSITIVE", "Official-Sensitive", "official-sensitive", "OFFICIAL – SENSITIVE",
    "OFFICIAL: SENSITIVE", "OFFICIAL SENSITIVE", "OFFICIAL_SENSITIVE",
    "Minutes [OFFICIAL-SENSITIVE: PERSONAL]",
    "the paper is OFFICIAL-SENSITIVE and", "OFFICIAL", "SECRET", "TOP SECRET", "UK TOP SECRET",
    "RESTRICTED", "**CONFIDENTIAL**", "NHS CONFIDENTIAL", "PROTECT - PERSONAL", "PROTECT",
    "[RESTRICTED] Minutes", "Minutes (CONFIDENTIAL)", "RESTRICTED: minutes of the group",
    "Minutes of the group - SECRET", "OFFICIAL - COMMERCIAL", "[OFFICIAL]",
]  # fmt: skip
UNMARKED = [
    "NOT PROTECTIVELY MARKED", "UNCLASSIFIED", "an official, sensitive matter", "Official",
    "It is official: sensitive handling pays", "It is official – sensitive handling pays",
    "RESTRICTED ACCESS TO THE BUILDING", "PROTECT CHILDREN ONLINE", "Calls are CONFIDENTIAL.",
    "a confidential helpline", "Secret", "PREVENT, PROTECT, PURSUE", "SECRET GARDEN OPENS",
    "OFFICIAL GUIDANCE OUT NOW", "Official guidance - restricted", "PROTECT: how it works",
]  # fmt: skip


@pytest.mark.parametrize("text", MARKED)
def test_a_marking_is_found(settings: Settings, text: str) -> None:
    """OFFICIAL-SENSITIVE anywhere, the others where they can only be a marking."""
    assert rules(settings, text) == ["protective-marking"]


@pytest.mark.parametrize("text", UNMARKED)
def test_common_words_are_no_markings(settings: Settings, text: str) -> None:
    """Words in sentences and shouting headings, and markings that harm nobody."""
    assert judged(settings, text) == []


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("https://example.org/OFFICIAL-SENSITIVE%20minutes.pdf", ["protective-marking"]),
        ("https://example.org/guidance/official-sensitive", []),
        ("https://example.org/?nhs_number=943%20476%205919", ["nhs-number"]),
        ("https://example.org/?nhs=9434765919&x=1", ["nhs-number"]),
        ("https://example.org/?dob=2011-04-03", ["birth-date"]),
        ("https://example.org/?nino=AB123456C", ["ni-number"]),
        ("mailto:a@example.org?subject=About%20943%20476%205919", ["nhs-number"]),
        ("mailto:a@example.org?body=DOB%203/4/2011%0AOFFICIAL-SENSITIVE",
         ["birth-date", "protective-marking"]),
        ("mailto:9434765919@example.org", ["nhs-number"]),
        ("https://example.org/?ref=9434765919", []),
    ],
)  # fmt: skip
def test_targets_of_links(settings: Settings, target: str, found: list[str]) -> None:
    """What a link gives away to servers and their logs; a number there is of any kind."""
    findings = judged(settings, "Words", target)
    assert [finding.rule for finding in findings] == found
    assert_hidden(findings, NHS, "AB123456C")


@pytest.mark.parametrize(
    "text",
    ["A" * 50_000 + " born 11", "Ab " * 20_000 + "born 11", "DOB " * 10_000 + "11", "a.a." * 20_000,
     "a-" * 40_000 + "/11", "SECRET " * 10_000, "[SECRET - " + "A " * 20_000, "11 " * 20_000,
     "07" * 20_000, "(" * 50_000 + "SECRET", "SECRET: " + "- " * 20_000 + "x", "943 476 " * 9_000],
    ids=range(12),
)  # fmt: skip
def test_long_texts_take_no_long_time(settings: Settings, text: str) -> None:
    """Tens of thousands of signs, of the kinds that make patterns start over, are soon judged."""
    start = time.perf_counter()
    judged(settings, text)
    assert time.perf_counter() - start < 10


# Where it stands


@pytest.fixture
def here(tmp_path: Path, settings: Settings) -> Settings:
    """Settings of an empty project."""
    return settings.model_copy(update={"root": tmp_path})


def found_in(here: Settings, body: str, *front: str, title: str = "News") -> list[Finding]:
    """The findings in issue 7 with one article with this body; it has a picture."""
    folder = write_issue(
        here.issues, {"news": article(body, title, *front)}, pictures=["festival.png"]
    )
    return content(read_issue(folder, small_registry())[0], here)


EVENT = f"""\
::: event
title: A {NHS}
dates: [2019-02-01]

place: B {NHS}
about: C {NHS}
book: https://example.org/?nhs=9434765919
:::"""
RESOURCES = f"""\
::: resources
- name: A {NHS}
  offers: B {NHS}
  note: C {NHS}
  more:
    - text: D {NHS}
      link: https://example.org/?nhs=9434765919
:::"""
FIGURE = "::: figure\n![A {} b](images/festival.png)\n\nA caption {}.\n:::"


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (f"Words {NHS}.", [1]),
        ("A line.\nAnother with 94**3 476** [59](https://example.org/)19.", [2]),
        ("A line.\nAnother with 943\n476 5919.", [2]),
        ("943&nbsp;476&nbsp;5919", [1]),
        (f"## Heading {NHS}\n\nText.\n\n- One\n- Two\n  - Three {NHS}", [1, 7]),
        (f"> Quote\n> {NHS}", [2]),
        (f"    code\n    {NHS}", [2]),
        (f"```\ncode\n{NHS}\n```", [3]),
        (f"Some `{NHS}` code", [1]),
        (f"| A | B |\n|---|---|\n| c | d |\n| e | {NHS} |", [4]),
        (f"| A | {NHS} |\n|---|---|\n| c | d |", [1]),
        (f"::: table Caption {NHS}\n| A | B |\n|---|---|\n| c | {NHS} |\n:::", [1, 4]),
        (f"::: key-figures Title\n| A | B |\n|---|---|\n| {NHS} | 9 |\n:::", [4]),
        (f"::: quote\nText {NHS}.\n\n-- Nurse {NHS}\n:::", [2, 4]),
        (f"::: quotes Title {NHS}\n- Said -- A {NHS}\n:::", [1, 2]),
        (f"::: facts Title {NHS}\n- Fact\n- **9** {NHS}\n:::", [1, 3]),
        (f"::: callout {NHS}\nText\n:::", [1]),
        (f"::: compare\n### A {NHS}\n- b\n\n### C\n- d {NHS}\n:::", [2, 6]),
        (f"::: cards\n### A\nb\n\n### C\nd {NHS}\n:::", [6]),
        (f"::: actions Title\n- [gp] Do\n- [gp] Do {NHS}\n:::", [3]),
        (EVENT, [2, 5, 6, 7]),
        (f"::: contact\nname: A {NHS}\nrole: B {NHS}\nemail: a@example.org\naddress: C {NHS}\n:::",
         [2, 3, 5]),
        (RESOURCES, [2, 3, 4, 6, 7]),
        (f"::: button\n[Book {NHS}](https://example.org/?nhs=9434765919)\n:::", [2]),
        (FIGURE.format(NHS, NHS), [2, 4]),
        (f"::: only gp\n::: callout T\n- {NHS}\n:::\n:::", [3]),
        (f"{NHS} and {NHS}\n\n{NHS}", [1, 3]),
    ],
)  # fmt: skip
def test_every_text_is_looked_at(here: Settings, body: str, lines: list[int]) -> None:
    """Each kind of block; the finding has the line on which the number begins."""
    findings = found_in(here, body)
    assert {finding.rule for finding in findings} == {"nhs-number"}
    assert [finding.place for finding in findings] == [Place(NEWS, n + FRONT) for n in lines]
    assert_hidden(findings, NHS)


def test_table_cells_are_apart_but_headed(here: Settings) -> None:
    """Digits in two cells are not one number; a heading says what is in the cells below it."""
    assert found_in(here, "| A | B |\n|---|---|\n| 943 476 | 5919 |") == []
    body = "| Child | Date of birth |\n|---|---|\n| Child B | 3 April 2011 |"
    assert [(f.rule, f.place.line) for f in found_in(here, body)] == [("birth-date", 3 + FRONT)]
    body = "| About | Child B |\n|---|---|\n| DOB | 3 April 2011 |"
    assert [(f.rule, f.place.line) for f in found_in(here, body)] == [("birth-date", 3 + FRONT)]
    body = "| Date of birth | School |\n|---|---|\n| 1 May 2010 to 30 April 2011 | Year 4 |"
    assert found_in(here, body) == []


def test_heads_are_looked_at(here: Settings) -> None:
    """Title, season, subject, preheader and sender of an issue; title and summary of an article."""
    head = HEAD.replace("What is new", f"About {NHS}").replace("The line", f"Line {NHS}")
    head = head.replace("Safeguarding news", f"News {NHS}")
    head += f"season: Spring {NHS}\nsender:\n  name: Office {NHS}\narticles: [news]\n"
    text = article("Text.", f"News {NHS}", f"summary: A word {NHS}")
    folder = write_issue(here.issues, {"news": text}, head=head)
    findings = content(read_issue(folder, small_registry())[0], here)
    places = [(Path(f.place.file).name, f.place.line) for f in findings]
    assert places == [("news.md", 2), ("news.md", 3)] + [
        ("issue.yaml", line)
        for line, words in enumerate(head.splitlines(), start=1)
        if NHS in words
    ]


def test_file_names_are_looked_at(here: Settings) -> None:
    """A picture's name goes out with it; the finding does not repeat it."""
    write_issue(here.issues, {}, pictures=["child_943_476_5919.png"])
    body = "::: figure\n![Words](images/child_943_476_5919.png)\n:::"
    (finding,) = found_in(here, body)
    assert (finding.rule, finding.place.line) == ("nhs-number", 2 + FRONT)
    assert_hidden([finding], NHS)


def test_a_moved_file_leaves_the_place_of_the_block(here: Settings) -> None:
    """Where the file is not there any more, the finding has the line of the block."""
    folder = write_issue(here.issues, {"news": article(f"A line.\nAnd {NHS}.")})
    issue, _ = read_issue(folder, small_registry())
    (folder / "articles" / "news.md").unlink()
    assert [finding.place for finding in content(issue, here)] == [Place(NEWS, 1 + FRONT)]


@pytest.fixture(scope="module")
def own_issues(shipped: dict[int, Issue], registry: Registry) -> list[Issue]:
    """The shipped issues, and the invented one with everything in it."""
    kitchen = ROOT / "tests" / "fixtures" / "kitchen-sink" / "42-spring-2031"
    return [*shipped.values(), read_issue(kitchen, registry)[0]]


def test_the_issues_of_the_office_are_clean(own_issues: list[Issue], settings: Settings) -> None:
    """Three whole issues raise no alarm."""
    for issue in own_issues:
        assert content(issue, settings) == []


def test_every_rule_is_waivable_and_documented() -> None:
    """Each can be waived, and each is described where editors look."""
    documented = (ROOT / "docs" / "issue-format.md").read_text(encoding="utf-8")
    assert RULES <= WAIVABLE
    for rule in RULES:
        assert f"`{rule}`" in documented


def test_dates_in_events_are_no_texts(here: Settings) -> None:
    """An event's days are no dates of birth, whatever its title."""
    day = dt.date(2019, 2, 1).isoformat()
    assert found_in(here, f'::: event\ntitle: "DOB"\ndates:\n  - {day}\n:::') == []


# Through the command


@pytest.fixture
def office(project: Path) -> Office:
    """An office with a copy of the shipped project, three subscribers and issue 7."""
    made = Office(project)
    made.subscribe(3)
    return made


BODY = f"Words.\n\nThe child is {NHS}, DOB 3 April 2011.\n"
REASON = "The number is the example of the NHS Data Dictionary"


def write(office: Office, *waived: str) -> None:
    """Issue 7 with case information in it, and waivers of these rules."""
    head = HEAD + "articles: [news]\n"
    if waived:
        head += "waive:\n" + "".join(
            f"  - rule: {rule}\n    reason: {REASON}\n    by: A. Patel\n" for rule in waived
        )
    write_issue(office.folder / "issues", {"news": article(BODY)}, head=head)


def test_nothing_with_case_information_leaves(office: Office) -> None:
    """Check, build and send end with 1, name the line, and do not print the number."""
    write(office)
    for words in (("check", "7"), ("build", "7", "--out", "made"), ("send", "7", "--yes")):
        result = office.run(*words)
        printed = result.out + result.err
        assert result.code == 1
        assert f"{NEWS}:{3 + FRONT}" in printed
        assert "943 *** **19" in printed
        assert bare(NHS) not in bare(printed)
        assert "April" not in printed
    assert not (office.folder / "made").exists()
    assert not list((office.folder / "var").rglob("*.eml"))
    assert "No campaign" in office.run("status", "7").err


def test_a_named_waiver_lets_it_pass(office: Office) -> None:
    """Each rule needs its own; then they are warnings, and the campaign keeps who waived them."""
    write(office, "nhs-number")
    result = office.run("check", "7", "--json")
    assert result.code == 1
    severities = {each["rule"]: each["severity"] for each in result.data["findings"]}
    assert severities == {"nhs-number": "warning", "birth-date": "error"}
    write(office, "nhs-number", "birth-date")
    found = office.ok("check", "7", "--json").data["findings"]
    assert {each["severity"] for each in found} == {"warning"}
    assert all(each["mend"].startswith(f"Waived by A. Patel: {REASON}. ") for each in found)
    office.ok("send", "7", "--yes")
    assert len(list((office.folder / "var").rglob("*.eml"))) == 3
    kept = office.ok("status", "7", "--json").data["waivers"]
    assert sorted(each["rule"] for each in kept) == ["birth-date", "nhs-number"]
    assert {(each["reason"], each["by"]) for each in kept} == {(REASON, "A. Patel")}
