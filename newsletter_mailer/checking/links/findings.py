"""What was found out about links, as findings: one at each place where a link stands."""

from collections.abc import Iterable

from newsletter_mailer.checking.links.checked import CheckedLink
from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.findings import Finding, Place, Severity, brief

_ERROR, _WARNING = Severity.ERROR, Severity.WARNING

_JUDGED: dict[Verdict, tuple[str, Severity, str]] = {
    Verdict.BROKEN: ("broken-link", _ERROR, "a link that is broken"),
    Verdict.TLS: ("link-tls", _ERROR, "a link whose secure connection fails"),
    Verdict.SUSPECT: ("suspect-link", _WARNING, "a link that may no longer show what it should"),
    Verdict.UNKNOWN: ("unknown-link", _WARNING, "a link that only a person can check"),
    Verdict.LOGIN: ("link-login", _WARNING, "a link that needs a login"),
    Verdict.MOVED: ("moved-link", _WARNING, "a link to a page that has moved"),
    Verdict.TEMPORARY: ("link-redirect", _WARNING, "a link that is sent elsewhere for now"),
}

NO_NETWORK = "links-unchecked"

RULES = frozenset(rule for rule, _, _ in _JUDGED.values())
"""The rules about where links lead; an issue may waive them."""

_LONGEST_URL = 300


def link_findings(links: Iterable[CheckedLink]) -> list[Finding]:
    """A finding for each place of each link that is not simply good."""
    return sorted(
        {
            finding
            for link in links
            for mention in link.mentions
            if (finding := _finding(link.result, mention.place))
        }
    )


def no_network_finding(place: Place, unchecked: int, number: int) -> Finding:
    """The one finding where this machine has no way to the web; `place` is the issue's."""
    some = f"{unchecked} of its {number} links were not looked at"
    none = "none of its links was looked at"
    return Finding(
        place,
        NO_NETWORK,
        f"no network: {none if unchecked == number else some}",
        "",
        "Check again where there is a way to the web. How links are written was checked.",
        _WARNING,
    )


def _finding(result: LinkResult, place: Place) -> Finding | None:
    judged = _JUDGED.get(result.verdict)
    if judged is None:
        return None
    rule, severity, what = judged
    reason = result.reason.rstrip(".")
    found = f"{what}, {brief(result.url, _LONGEST_URL)}: {reason}"
    return Finding(place, rule, found, "", _advice(result), severity)


def _advice(result: LinkResult) -> str:
    if result.replacement and result.replacement not in result.suggestion:
        return f"{result.suggestion} `--fix` writes {result.replacement}".strip()
    return result.suggestion
