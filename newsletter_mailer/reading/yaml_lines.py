"""YAML read as plain data whose every value knows its line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from newsletter_mailer.findings import Finding, brief
from newsletter_mailer.reading.source import UNSAFE, Source

Path = tuple[str | int, ...]

_NEEDS_QUOTES = re.compile(r"(?:^|[:-]\s+)[{}\[\]@`%&*!|>]")
"""A value that begins with a sign which YAML keeps for itself."""


@dataclass(frozen=True, slots=True)
class Marked:
    """Data of nested dicts, lists and strings, and the line of each value by its path.

    Scalars stay text: the models decide what is a number or a date, so a phone number
    never turns into one.
    """

    data: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of the value at `path`, or of the nearest value around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Loader(yaml.SafeLoader):
    """Composes nodes, and keeps the lines with aliases, which nodes do not know."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.aliases: dict[int, yaml.Mark] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node; an alias gives the node that it names once more."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            self.aliases[event.start_mark.line] = event.start_mark
        return super().compose_node(parent, index)


# Libyaml is ten times as fast, where it is there; it nests on the C stack, hence the limit.
# The base loader does not guess the types of scalars, which stay text.
_QUICK_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_QUICK_LENGTH = 8_000


def _quickly_composed(text: str) -> yaml.Node | None:
    """The node of plain, faultless YAML; None where the thorough way has to look."""
    if len(text) > _QUICK_LENGTH or "*" in text or not text.replace("\n", "").isprintable():
        return None
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_QUICK_LOADER)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return None
    return node


@dataclass(slots=True)
class _Builder:
    source: Source
    first_line: int
    findings: list[Finding]
    lines: dict[Path, int] = field(default_factory=dict)
    breaks: int = 0
    seen: set[int] = field(default_factory=set)

    def report(self, mark: yaml.Mark, rule: str, found: str, expected: str, mend: str) -> None:
        place = self.source.at(self.line(mark))
        self.findings.append(Finding(place, rule, found, expected, mend))

    def line(self, mark: yaml.Mark) -> int:
        """The line of a mark; libyaml may put that of an empty value below the last one."""
        return min(mark.line, self.breaks) + self.first_line

    def build(self, node: yaml.Node, path: Path) -> Any:  # noqa: ANN401 - any YAML value
        self.lines[path] = self.line(node.start_mark)
        if id(node) in self.seen:  # an alias, which is reported already
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, index)) for index, child in enumerate(node.value)]
        return self._text(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.report(
                    key.start_mark,
                    "yaml-key",
                    "brackets or braces where YAML expects a key",
                    "`key: value`",
                    "Put a value that begins with them in double quotes.",
                )
                continue
            name = self._text(key)
            if name in values:
                self.report(
                    key.start_mark,
                    "yaml-repeated-key",
                    f"the key {brief(name)} a second time",
                    "each key once",
                    "Keep one of the two.",
                )
            values[name] = self.build(value, (*path, name))
            self.lines[(*path, name)] = self.line(key.start_mark)
        return values

    def _text(self, node: yaml.Node) -> str:
        """A scalar's text; the characters that escapes in double quotes name are checked too."""
        text = str(node.value)
        if unsafe := UNSAFE.search(text):
            self.report(
                node.start_mark,
                "control-character",
                f"the control character U+{ord(unsafe[0]):04X}, written as an escape",
                "characters that can be seen",
                "Take the backslash and what follows it out.",
            )
        return UNSAFE.sub("", text)


def read_yaml(
    text: str, source: Source, findings: list[Finding], *, first_line: int = 1
) -> Marked | None:
    """Read YAML text whose first line is line `first_line` of `source`.

    None, with a finding, where it cannot be read. Aliases are refused: nothing here needs
    them, and they let ten lines stand for a billion.
    """
    builder = _Builder(source, first_line, findings, {(): first_line}, text.count("\n"))
    loader = _Loader(text)  # refuses control characters, which a Source does not hold
    try:
        node = _quickly_composed(text) or loader.get_single_node()
        for mark in loader.aliases.values():
            words = ("a YAML alias (*name)", "the value itself", "Write it out where it is needed.")
            builder.report(mark, "yaml-alias", *words)
        data = None if node is None else builder.build(node, ())
    except yaml.MarkedYAMLError as error:
        line, found, expected, mend = _explain(error, text.split("\n"))
        findings.append(Finding(source.at(first_line + line), "yaml", found, expected, mend))
        return None
    except (ValueError, OverflowError):  # an escape such as \UFFFFFFFF, which names no character
        place = source.at(first_line + loader.line)
        words = ("an escape that names no character", "a character", "Write the character itself.")
        findings.append(Finding(place, "yaml", *words))
        return None
    except RecursionError:
        place = source.at(first_line + loader.line)
        words = ("values nested far too deep", "a few levels", "Say it with fewer levels.")
        findings.append(Finding(place, "yaml", *words))
        return None
    return Marked(data, builder.lines)


def _explain(error: yaml.MarkedYAMLError, lines: list[str]) -> tuple[int, str, str, str]:
    """The line from 0; what was found, what was expected, and what to do, for a person."""
    problem = error.problem or "a mistake"
    mark = error.problem_mark or error.context_mark
    if "quoted scalar" in (error.context or "") and error.context_mark:
        mark = error.context_mark
    index = min(mark.line, len(lines) - 1) if mark else 0
    line = lines[index]
    shown = repr(brief(line))
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in problem:
        return index, "a tab", "spaces", "Replace each tab by two spaces."
    if "quoted scalar" in (error.context or ""):
        return (
            index,
            f"a mistake in quotes: {shown}",
            "a closing quote, and no backslash before other signs",
            "Close the quotes, and write backslashes twice.",
        )
    if "mapping values are not allowed" in problem:
        return (
            index,
            f"a second colon in {shown}",
            "one `key: value` a line",
            "Put the value in double quotes.",
        )
    if "another document" in problem:
        return index, f"a second document: {shown}", "one", "Take this line out."
    if _NEEDS_QUOTES.search(line):
        return (
            index,
            f"a sign that YAML keeps for itself in {shown}",
            "a value that begins with a letter, a digit or a quote",
            "Put the value in double quotes.",
        )
    if "expected <block end>" in problem or "could not find expected ':'" in problem:
        return (
            index,
            f"a line that does not fit: {shown}",
            "`key: value`, indented like its neighbours",
            "Check the indentation, the colon and the quotes of this line and the one before.",
        )
    return (
        index,
        f"a mistake in {shown} ({problem})",
        "plain YAML",
        "Put values with special signs in double quotes.",
    )
