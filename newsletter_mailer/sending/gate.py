"""The gate before a campaign: links that are in doubt leave the office on somebody's word."""

import datetime as dt
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from newsletter_mailer.checking.links.checked import CheckedLink
from newsletter_mailer.checking.links.personal import to_fetch
from newsletter_mailer.checking.links.verdict import Verdict
from newsletter_mailer.errors import SendingError, UsageError
from newsletter_mailer.reading.urls import safe_url

EVERY = "all"
"""The word that lets every doubtful link pass."""

_IN_DOUBT = frozenset({Verdict.UNKNOWN, Verdict.SUSPECT})


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Somebody's word that a link may go out, and when it was given."""

    by: str
    at: dt.datetime


def doubtful(links: Sequence[CheckedLink], transport: str) -> tuple[CheckedLink, ...]:
    """The links that need a person's word before they are sent.

    Those are the unknown and the suspect. A link that nobody could look at, for want of a
    network, needs it too, unless the transport is the outbox, from which nothing leaves
    the machine. Links that are never opened, since that would do something in a reader's
    name, need none; neither does a login, which is right for pages of one office.
    """
    in_doubt = _IN_DOUBT if transport == "outbox" else _IN_DOUBT | {Verdict.UNCHECKED}
    return tuple(
        link for link in links if link.result.verdict in in_doubt and to_fetch(link.mentions)
    )


def let_pass(
    links: Sequence[CheckedLink], doubts: Sequence[CheckedLink], words: Collection[str]
) -> set[str]:
    """The doubtful URLs that `words` let pass: URLs as the issue has them, or `all`.

    Raises:
        UsageError: a word is no link of the issue.
    """
    if EVERY in words:
        return {link.url for link in doubts}
    known = {link.url for link in links}
    named = {_encoded(word): word for word in words}
    for url, word in named.items():
        if url not in known:
            raise UsageError(
                f"--accept-unknown {word}: no link of this issue is that. "
                "Give the link as the issue has it, or `all`."
            )
    return {link.url for link in doubts if link.url in named}


def refusal(issue: str, doubts: Sequence[CheckedLink], accepted: Collection[str]) -> SendingError:
    """Why the issue is not sent, and the command that sends it on somebody's word."""
    left = [link for link in doubts if link.url not in accepted]
    lines = [
        f"  {link.mentions[0].place}: {link.result.verdict}: {link.url} "
        f"({link.result.reason.rstrip('.')})"
        for link in left
    ]
    words = [link.url for link in doubts]
    if all(link.result.verdict is Verdict.UNCHECKED for link in left):
        words = [EVERY]
    options = " ".join(f"--accept-unknown {shlex.quote(word)}" for word in words)
    what = "1 link needs" if len(left) == 1 else f"{len(left)} links need"
    return SendingError(
        "\n".join(
            [
                f"{what} somebody's word before issue {issue} is sent:",
                *lines,
                "Open each in a browser. If all is well, say so in your name (or another's, with",
                "--by NAME), which is kept with the campaign:",
                f"  newsletter send {shlex.quote(issue)} --yes {options}",
            ]
        )
    )


def acceptances(urls: Collection[str], by: str, at: dt.datetime) -> Mapping[str, Acceptance]:
    """One person's word for several links."""
    return {url: Acceptance(by, at) for url in urls}


def _encoded(link: str) -> str:
    try:
        return safe_url(link.strip())
    except ValueError:
        return link
