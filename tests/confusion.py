"""The confusion matrix of the classes, over the labelled loads: `python -m tests.confusion`."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from newsletter_mailer.tracking.agents import Class, known_agents
from newsletter_mailer.tracking.classing import Classed, Load, classify

FILE = Path(__file__).parent / "fixtures" / "opens.yaml"

ORDER = (Class.HUMAN, Class.PROXIED, Class.MACHINE, Class.UNKNOWN)


@dataclass(frozen=True)
class Labelled:
    """A load, what was truly behind it, and what the rules make of it."""

    what: str
    truth: Class
    found: Classed


def labelled() -> list[Labelled]:
    """All labelled loads, classed."""
    entries = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [
        Labelled(each["what"], Class(each["truth"]), classify(_load(each), known_agents()))
        for each in entries
    ]


def _load(entry: Mapping[str, object]) -> Load:
    return Load(
        agent=str(entry["agent"]),
        address=str(entry.get("address", "192.0.2.1")),
        seconds=float(str(entry["after"])) if "after" in entry else None,
        links=int(str(entry.get("links", 1))),
        head=bool(entry.get("head")),
        prefetch=bool(entry.get("prefetch")),
        flagged=bool(entry.get("flagged")),
    )


def matrix(loads: Sequence[Labelled]) -> str:
    """The matrix as it stands in docs/tracking.md."""
    counts = Counter((each.truth, each.found.class_) for each in loads)
    lines = [
        "| truly | " + " | ".join(f"classed {class_}" for class_ in ORDER) + " | all |",
        "|---|" + "--:|" * (len(ORDER) + 1),
    ]
    for truth in ORDER:
        row = [counts[truth, found] for found in ORDER]
        lines.append(f"| {truth} | " + " | ".join(map(str, row)) + f" | {sum(row)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the matrix, and each load that the rules get wrong."""
    loads = labelled()
    lines = [
        f"{len(loads)} labelled loads; agents of {known_agents().dated}.",
        "",
        matrix(loads),
        "",
    ]
    lines += [
        f"{each.what}: truly {each.truth}, classed {each.found.class_} ({each.found.rule})"
        for each in loads
        if each.truth is not each.found.class_
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
