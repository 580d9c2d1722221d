"""YAML read as plain data whose every value knows its line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from newsletter_mailer.findings import Finding
from newsletter_mailer.reading.source import Source

Path = tuple[str | int, ...]


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


@dataclass(slots=True)
class _Builder:
    source: Source
    first_line: int
    findings: list[Finding]
    lines: dict[Path, int] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def report(self, mark: yaml.Mark, rule: str, found: str, mend: str) -> None:
        place = self.source.at(mark.line + self.first_line)
        self.findings.append(Finding(place, rule, found, mend=mend))

    def build(self, node: yaml.Node, path: Path) -> Any:  # noqa: ANN401 - any YAML value
        self.lines[path] = node.start_mark.line + self.first_line
        if id(node) in self.seen:
            self.report(
                node.start_mark,
                "yaml-alias",
                "a YAML alias (*name)",
                "Write the value out where it is needed.",
            )
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, index)) for index, child in enumerate(node.value)]
        return node.value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.report(
                    key.start_mark, "yaml-key", "a key that is not a word", "Write `key: value`."
                )
                continue
            if key.value in values:
                self.report(
                    key.start_mark,
                    "yaml-repeated-key",
                    f"the key {key.value} a second time",
                    "Keep one of the two.",
                )
            values[key.value] = self.build(value, (*path, key.value))
            self.lines[(*path, key.value)] = key.start_mark.line + self.first_line
        return values


def read_yaml(
    text: str, source: Source, findings: list[Finding], *, first_line: int = 1
) -> Marked | None:
    """Read YAML text that begins on `first_line` of `source`; None, with a finding, if it cannot be.

    Aliases are refused: nothing here needs them, and they let ten lines stand for a billion.
    """
    builder = _Builder(source, first_line, findings)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = None if node is None else builder.build(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        findings.append(Finding(source.at(line), "yaml", *_explain(error, text, line - first_line)))
        return None
    except yaml.YAMLError as error:
        findings.append(
            Finding(
                source.at(first_line),
                "yaml",
                f"what YAML cannot hold: {str(error).splitlines()[0]}",
            )
        )
        return None
    except RecursionError:
        findings.append(
            Finding(source.at(first_line), "yaml", "values nested far too deep", "a few levels")
        )
        return None
    return Marked(data, builder.lines)


def _explain(error: yaml.MarkedYAMLError, text: str, index: int) -> tuple[str, str, str]:
    """What was found, what was expected, and what to do, in words for a person."""
    lines = text.split("\n")
    line = lines[index] if index < len(lines) else ""
    problem = error.problem or "a mistake"
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in problem:
        return "a tab", "spaces", "YAML is indented with spaces: replace the tab by two spaces."
    if "mapping values are not allowed" in problem:
        return (
            f"a second colon in {line.strip()!r}",
            "one `key: value` a line",
            "Put the value in double quotes.",
        )
    if "expected <block end>" in problem or "could not find expected ':'" in problem:
        return (
            f"a line that does not fit: {line.strip()!r}",
            "`key: value`, indented like its neighbours",
            "Check the indentation, the colon and the quotes of this line and the one before.",
        )
    return (
        f"{problem} in {line.strip()!r}",
        "YAML",
        "Put values with special signs in double quotes.",
    )
