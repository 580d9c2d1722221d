"""A text file as the user wrote it, cleaned of what no mail may carry."""

import re
from dataclasses import dataclass
from pathlib import Path

from newsletter_mailer.findings import Finding, Place, Severity

LARGEST_FILE = 5_000_000
"""Bytes in a text file; an article of a newsletter has some ten thousand."""

UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML forbids or mail clients show as boxes."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_C1 = re.compile(r"[\x80-\x9f]")
_SEPARATORS = re.compile(r"[\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text, each line ended by one line feed, and its name as findings show it."""

    shown: str
    text: str

    def at(self, line: int) -> Place:
        """The place of a line, counted from 1."""
        return Place(self.shown, line)


def read_source(path: Path, shown: str, findings: list[Finding]) -> Source | None:
    """Read a UTF-8 text file; None, with a finding, where it cannot be read.

    A byte-order mark is dropped. Control characters, which XML forbids and mail clients
    show as boxes, are removed with a warning. Characters U+0080 to U+009F, left over from
    Windows-1252, become what they stand for there: with them Gmail clips a mail. Line and
    paragraph separators become spaces: YAML takes them for line ends, editors do not.
    """
    data = _bytes(path, shown, findings)
    if data is None:
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        findings.append(
            Finding(
                Place(shown, line),
                "not-utf-8",
                f"the byte 0x{error.object[error.start]:02x}, which is not UTF-8 text",
                "UTF-8",
                "Save the file as UTF-8.",
            )
        )
        return None
    return _clean(text, shown, findings)


def _bytes(path: Path, shown: str, findings: list[Finding]) -> bytes | None:
    place = Place(shown)
    try:
        size = path.stat().st_size
        if size <= LARGEST_FILE:
            return path.read_bytes()
    except FileNotFoundError:
        findings.append(
            Finding(
                place,
                "missing-file",
                f"no file {path.name}",
                "one in this folder",
                "Write it, or mend the name.",
            )
        )
    except OSError as error:
        findings.append(
            Finding(
                place,
                "unreadable-file",
                f"a file that cannot be read ({error.strerror})",
                "a text file",
                "Check its kind and its permissions.",
            )
        )
    else:
        findings.append(
            Finding(
                place,
                "file-too-large",
                f"a file of {size:,} bytes",
                f"at most {LARGEST_FILE:,}",
                "Split it, or move pictures out of it.",
            )
        )
    return None


def _clean(text: str, shown: str, findings: list[Finding]) -> Source:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _CONTROL.search(text):
        findings.extend(
            Finding(
                Place(shown, number),
                "control-character",
                f"the control character U+{ord(control[0]):04X}",
                mend="It was left out; take it out of the file.",
                severity=Severity.WARNING,
            )
            for number, line in enumerate(text.split("\n"), start=1)
            if (control := _CONTROL.search(line))
        )
        text = _CONTROL.sub("", text)
    text = _SEPARATORS.sub(" ", text)
    return Source(shown, _C1.sub(_from_windows, text))


def _from_windows(match: re.Match[str]) -> str:
    return match[0].encode("latin-1").decode("cp1252", errors="ignore")
