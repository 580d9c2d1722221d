"""Reading and compiling an issue for all agencies, beside npm's mjml and juice.

The rounds are interleaved: each measures everything once, so that a machine which is
busy for a while slows all of it alike.
"""

import gc
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from unittest.mock import patch

import jinja2
from premailer import cache as premailer_cache

from benchmarks.node_tools import VERSIONS, NodeError, NodeTools, node_tools
from benchmarks.renewal import repeated, write_renewed
from benchmarks.report import ROOT, ratios, table, times
from newsletter_mailer.checking.coverage import coverage
from newsletter_mailer.checking.mail import check_mail
from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.compiling.templates import Templates
from newsletter_mailer.reading.agencies import Registry, read_registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.settings import Settings, load_settings

ROUNDS = 9

_ISSUE = "06-autumn-2018"
_EDITED = "articles/welcome.md"
_WORD = "strengthen"
"""A word of the opening, which every variant has: the edit costs as much as one word can."""


@dataclass(slots=True)
class Subject:
    """What is measured: the issue, and the project around it."""

    settings: Settings
    registry: Registry
    folder: Path

    def read(self, folder: Path | None = None) -> Issue:
        """Read the issue, or a copy of it."""
        issue, _ = read_issue(folder or self.folder, self.registry)
        return issue


@dataclass(slots=True)
class Rounds:
    """The seconds of each round."""

    cold: list[float] = field(default_factory=list)
    fresh: list[float] = field(default_factory=list)
    checked: list[float] = field(default_factory=list)
    edited: list[float] = field(default_factory=list)
    mjml: list[float] = field(default_factory=list)
    mjml_juice: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Editing:
    """An issue in which somebody changes one word, and a compiler that stays meanwhile."""

    subject: Subject
    copy: Path
    compiler: Compiler
    edits: int = 0

    def time(self) -> float:
        """Change the word to one that has never stood there, and compile everything again."""
        self.edits += 1
        text = (self.subject.folder / _EDITED).read_text(encoding="utf-8")
        if text.count(_WORD) != 1:
            raise RuntimeError(f"{_EDITED} should have the word {_WORD!r} once")
        (self.copy / _EDITED).write_text(text.replace(_WORD, f"word{self.edits}"), encoding="utf-8")
        _settle()
        begin = perf_counter()
        self.compiler.compile(self.subject.read(self.copy), self.subject.registry)
        return perf_counter() - begin


@dataclass(slots=True)
class Renewing:
    """Issues that share no text with each other, and a compiler that has its templates loaded."""

    subject: Subject
    copy: Path
    compiler: Compiler
    times: int = 0
    before: Issue | None = None

    def time(self, *, checking: bool = False) -> float:
        """Write an issue whose every text is new; read it, compile it, perhaps check it."""
        self.times += 1
        write_renewed(self.subject.folder, self.copy, self.times)
        _settle()
        begin = perf_counter()
        issue = self.subject.read(self.copy)
        emails = self.compiler.compile(issue, self.subject.registry)
        if checking:
            coverage(issue, self.subject.registry)
            check_mail(issue, emails, self.subject.registry, self.subject.settings)
        taken = perf_counter() - begin
        if self.before and (same := repeated(self.before, issue)):
            raise RuntimeError(f"two rounds should have no text in common, but have {same}")
        self.before = issue
        return taken


@dataclass(frozen=True, slots=True)
class Documents:
    """The issue's MJML, as npm's mjml gets it.

    `for_agencies` and `for_variants` have the rich text inlined; in `plain` it still waits
    for `css` to be inlined by juice.
    """

    for_agencies: list[str]
    for_variants: list[str]
    plain: list[str]
    css: str


class _NoInliner:
    """Stands in for the compiler's inliner, and leaves the rich text as it is."""

    def __init__(self, _css: str) -> None: ...

    def add(self, html: str) -> str:
        return html

    def add_inner(self, html: str) -> str:
        return html

    def resolve(self, text: str) -> str:
        return text


def measure() -> None:
    """Run all rounds, and print them."""
    settings = load_settings(ROOT)
    registry = read_registry(settings.agencies_file, settings.agencies_file.name)
    subject = Subject(settings, registry, settings.issues / _ISSUE)
    documents = _documents(subject)
    rounds = Rounds()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        editing = Editing(subject, *_started(subject, folder / "edited"))
        renewing = Renewing(subject, *_started(subject, folder / "renewed"))
        try:
            node = stack.enter_context(node_tools())
            _warm_up(node, documents)
        except NodeError as error:
            print(f"Left out npm's mjml and juice: {error}.")
            node = None
        for _ in range(ROUNDS):
            _one_round(subject, rounds, (renewing, editing), node, documents)
    _print(rounds, documents)


def _warm_up(node: NodeTools, documents: Documents) -> None:
    """Let node compile its code before anything is timed, and look at what mjml found wrong."""
    found = node.compile(documents.for_variants)
    node.compile(documents.plain, css=documents.css)
    print(f"npm's mjml finds {len(found.errors)} errors in {len(documents.for_variants)} variants.")
    for error in sorted(set(found.errors)):
        print(f"  {error}")


def _one_round(
    subject: Subject,
    rounds: Rounds,
    warm: tuple[Renewing, Editing],
    node: NodeTools | None,
    documents: Documents,
) -> None:
    rounds.cold.append(_cold(subject))
    if node:
        rounds.mjml.append(node.compile(documents.for_agencies).seconds)
    renewing, editing = warm
    rounds.checked.append(renewing.time(checking=True))
    rounds.fresh.append(renewing.time())
    rounds.edited.append(editing.time())
    if node:
        rounds.mjml_juice.append(node.compile(documents.plain, css=documents.css).seconds)


def _cold(subject: Subject) -> float:
    """The seconds of reading and compiling when nothing is remembered, not even templates."""
    jinja2.clear_caches()
    premailer_cache.cache.clear()
    _settle()
    begin = perf_counter()
    Compiler(subject.settings).compile(subject.read(), subject.registry)
    return perf_counter() - begin


def _settle() -> None:
    """Leave no rubbish of what ran before for the next to sweep up."""
    gc.collect()


def _started(subject: Subject, folder: Path) -> tuple[Path, Compiler]:
    """A copy of the issue, and a compiler that has compiled it once."""
    copy = folder / _ISSUE
    shutil.copytree(subject.folder, copy)
    compiler = Compiler(subject.settings)
    compiler.compile(subject.read(copy), subject.registry)
    return copy, compiler


def _documents(subject: Subject) -> Documents:
    issue = subject.read()
    for_variants, sizes = _mjml(subject, issue)
    with patch("newsletter_mailer.compiling.rendering.Inliner", _NoInliner):
        plain, _ = _mjml(subject, issue)
    for_agencies = [
        document
        for document, agencies in zip(for_variants, sizes, strict=True)
        for _ in range(agencies)
    ]
    return Documents(
        for_agencies, for_variants, plain, Templates(subject.settings, {}, {}).rich_css
    )


def _mjml(subject: Subject, issue: Issue) -> tuple[list[str], list[int]]:
    """Each variant's MJML, and how many agencies get it."""
    compiler = Compiler(subject.settings)
    sources = compiler.sources(issue, subject.registry)
    return (
        [compiler.resolved(issue, source) for source in sources],
        [len(source.agencies) for source in sources],
    )


def _print(rounds: Rounds, documents: Documents) -> None:
    agencies, variants = len(documents.for_agencies), len(documents.for_variants)
    agencies_here, variants_here = f"{agencies} agencies", f"{variants} variants"
    taken = {
        f"a   read and compile a new issue for {agencies_here}": rounds.fresh,
        "a0  the same, templates not loaded yet": rounds.cold,
        "e   the same as a, and every check of the finished mails": rounds.checked,
        f"b   npm's mjml for {agencies_here}, one by one": rounds.mjml,
        "c   read and compile after a one-word edit": rounds.edited,
        f"d   npm's mjml and juice, {variants_here}": rounds.mjml_juice,
    }
    compared = {
        "b/a   npm's mjml : this program": (rounds.mjml, rounds.fresh),
        "b/a0  npm's mjml : this program, cold": (rounds.mjml, rounds.cold),
        "b/c   npm's mjml : this program, after an edit": (rounds.mjml, rounds.edited),
        "d/a   npm's mjml and juice : this program": (rounds.mjml_juice, rounds.fresh),
        "d/a0  npm's mjml and juice : this program, cold": (rounds.mjml_juice, rounds.cold),
        "d/c   npm's mjml and juice : this program, after an edit": (
            rounds.mjml_juice,
            rounds.edited,
        ),
    }
    head = ("median", "lowest", "highest")
    table(
        f"Issue 6 for all {agencies_here} ({variants_here}), {ROUNDS} interleaved rounds",
        ("ratio: how many times as long", *head),
        [(name, *ratios(*both)) for name, both in compared.items() if all(both)],
    )
    npm = ", ".join(f"npm's {name} {version}" for name, version in VERSIONS.items())
    table(
        f"The times behind them, which vary between machines{f' ({npm})' if rounds.mjml else ''}",
        ("time", *head),
        [(name, *times(seconds)) for name, seconds in taken.items() if seconds],
    )
