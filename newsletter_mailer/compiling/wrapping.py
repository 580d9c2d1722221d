"""Lines of plain text: words wrapped at the width of a mail, and set in."""

from collections.abc import Iterable

WIDTH = 76
"""Characters in a line; with the marks of a reply or two it still fits 80."""


def wrapped(text: str, first: str = "", width: int = WIDTH) -> list[str]:
    """Text in lines of at most `width`, words and URLs whole; `first` begins the first line."""
    if len(first) + len(text) <= width and "\n" not in text and "  " not in text:
        return [first + text.strip(" ")] if text.strip(" ") else []
    rest = " " * len(first)
    lines: list[str] = []
    for part in text.split("\n"):
        line, left = rest if lines else first, _single_spaced(part)
        while (room := max(width - len(line), 0)) < len(left):
            end = left.rfind(" ", 0, room + 1)
            if end < 0:  # a word that fits no line
                end = left.find(" ", room)
            if end < 0:
                break
            lines.append(line + left[:end])
            line, left = rest, left[end + 1 :]
        if left or line.strip(" "):
            lines.append((line + left).rstrip(" "))
    return lines


def _single_spaced(text: str) -> str:
    """Text with one space between its words and none around them; no other sign is a space."""
    text = text.strip(" ")
    return " ".join(filter(None, text.split(" "))) if "  " in text else text


def indented(lines: Iterable[str], mark: str) -> list[str]:
    """Lines that begin with `mark`."""
    return [(mark + line).rstrip() for line in lines]
