"""A build: every variant as files, as mail and as web page, and a manifest that names them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from newsletter_mailer.compiling.email import CompiledEmail, WebPage
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.whole import whole_folder

MANIFEST = "manifest.json"


def write_build(
    issue: Issue, emails: Sequence[CompiledEmail], pages: Sequence[WebPage], folder: Path
) -> dict[str, object]:
    """Write a build into `folder`, in the place of an earlier one, and return its manifest.

    The folder is written whole or not at all; the same issue gives the same bytes.

    Raises:
        UsageError: the folder holds something else, or cannot be written.
    """
    with whole_folder(folder, "a build", MANIFEST) as draft:
        return _write(issue, emails, pages, draft)


def _write(
    issue: Issue, emails: Sequence[CompiledEmail], pages: Sequence[WebPage], folder: Path
) -> dict[str, object]:
    files = {f"web/{page.name}.html": page.html.encode() for page in pages}
    for email in emails:
        files |= {f"images/{image.name}": image.path.read_bytes() for image in email.images}
        files |= {f"events/{calendar.name}": calendar.content for calendar in email.calendars}
    shared = {name: _written(folder, name, content) for name, content in sorted(files.items())}
    manifest: dict[str, object] = {
        "issue": issue.name,
        "number": issue.head.number,
        "title": issue.head.title,
        "subject": str(emails[0].subject),
        "variants": {
            email.name: {
                "agencies": list(email.agencies),
                "content_hash": email.content_hash,
                "files": {
                    f"{email.name}.{ending}": _written(folder, f"{email.name}.{ending}", content)
                    for ending, content in (
                        ("html", str(email.html_with_images("images/")).encode()),
                        ("txt", str(email.text).encode()),
                    )
                },
            }
            for email in emails
        },
        "files": shared,
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return manifest


def _written(folder: Path, name: str, content: bytes) -> dict[str, object]:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
