"""Waivers: an error that an issue's makers answer for becomes a warning that says so."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from newsletter_mailer.findings import Finding, Severity
from newsletter_mailer.reading.headers import Waiver


def waived(
    findings: Iterable[Finding], waivers: Sequence[Waiver], waivable: frozenset[str]
) -> tuple[list[Finding], tuple[Waiver, ...]]:
    """Findings with their waivers applied, and the waivers that were needed for it.

    An error whose rule is waived becomes a warning which names who waived it, and why.
    Of two waivers of one rule the first counts. Rules outside `waivable` stay errors.
    """
    by_rule: dict[str, Waiver] = {}
    for waiver in waivers:
        if waiver.rule in waivable:
            by_rule.setdefault(waiver.rule, waiver)
    left: list[Finding] = []
    used: dict[str, Waiver] = {}
    for finding in findings:
        needed = by_rule.get(finding.rule)
        if needed is None or finding.severity is not Severity.ERROR:
            left.append(finding)
            continue
        used[needed.rule] = needed
        said = f"Waived by {needed.by}: {needed.reason.rstrip('.')}."
        mend = f"{said} {finding.mend}".rstrip()
        left.append(replace(finding, severity=Severity.WARNING, mend=mend))
    return left, tuple(used.values())
