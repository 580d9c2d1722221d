"""Mail programs: no mail rests on HTML or CSS that many of its readers' programs lack.

What each program supports is data of Can I email (`data/caniemail.json`).
"""

import difflib
from collections.abc import Iterator, Sequence

from newsletter_mailer.checking.data.caniemail import Feature, Support, support
from newsletter_mailer.checking.features import used_in
from newsletter_mailer.checking.template_lines import TemplateLines
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.errors import SettingsError
from newsletter_mailer.findings import Finding, Place, Severity, brief
from newsletter_mailer.settings import SETTINGS_FILE, Settings

RULES = frozenset({"client-support", "client-forbidden"})

MOST_WITHOUT = 0.10
"""The share of readers whose program may lack a feature."""

FORBIDDEN = frozenset(
    {
        "css-display-flex", "css-display-grid", "css-position", "css-variables", "css-unit-calc",
        "html-svg", "html-form", "html-script", "html-video",
    }
)  # fmt: skip
"""What tears a layout apart or is taken out of the mail; no setting allows it."""

_SCRIPT = Feature("html-script", "<script> element", "html", "", {})
"""No mail program runs scripts, so Can I email does not list them."""


def clients(emails: Sequence[CompiledEmail], settings: Settings) -> list[Finding]:
    """Features that more readers lack than is allowed, each at its place in the templates.

    Raises:
        SettingsError: `[clients]` names a mail program for which there is no data.
    """
    known = support()
    _check_settings(settings, known)
    templates = TemplateLines(settings, ".css", ".mjml", ".html")
    findings = list(_unknown(settings, known))
    for slug, pattern in sorted(used_in(str(email.html) for email in emails).features.items()):
        feature = known.features.get(slug, _SCRIPT if slug == _SCRIPT.slug else None)
        if feature is None:
            continue
        without, share = _lacking(feature, settings)
        forbidden = slug in FORBIDDEN
        if not forbidden and (share <= MOST_WITHOUT or slug in settings.clients.graceful):
            continue
        lacks = f"which {share:.0%} of readers lack ({', '.join(without)})" if without else ""
        place = templates.place(f"(?i){pattern}")
        findings.append(
            _forbidden(feature, place, lacks) if forbidden else _unsupported(feature, place, lacks)
        )
    return findings


def _forbidden(feature: Feature, place: Place, lacks: str) -> Finding:
    return Finding(
        place,
        "client-forbidden",
        f"{feature.title}, {lacks or 'which no mail can rest on'}",
        "tables, widths and colours that every mail program knows",
        f"Do without it.{_see(feature)}",
    )


def _unsupported(feature: Feature, place: Place, lacks: str) -> Finding:
    return Finding(
        place,
        "client-support",
        f"{feature.title}, {lacks}",
        f"what all but {MOST_WITHOUT:.0%} can show",
        f"Do without it, or, where the mail reads well without it, add {feature.slug} to "
        f"`graceful` under [clients] in {SETTINGS_FILE}.{_see(feature)}",
        Severity.WARNING,
    )


def _see(feature: Feature) -> str:
    return f" See {feature.url}" if feature.url else ""


def _lacking(feature: Feature, settings: Settings) -> tuple[list[str], float]:
    """The readers' programs that lack a feature, and the share of readers who use them."""
    audience = settings.clients.audience
    without = [client for client in audience if feature.support.get(client.name) == "n"]
    everyone = sum(client.weight for client in audience)
    # Rounded, so that a tenth of the readers is not a hair more than a tenth.
    share = round(sum(client.weight for client in without) / everyone, 6)
    return [client.name for client in without], share


def _check_settings(settings: Settings, known: Support) -> None:
    for client in settings.clients.audience:
        if client.name not in known.clients:
            names = ", ".join(known.clients)
            raise SettingsError(
                f"{SETTINGS_FILE}: [clients] names the mail program {client.name!r}, for which "
                f"there is no data. Expected a family and a platform of: {names}."
            )


def _unknown(settings: Settings, known: Support) -> Iterator[Finding]:
    """A warning for each word in `graceful` that names no feature."""
    for slug in settings.clients.graceful:
        if slug not in known.features:
            near = difflib.get_close_matches(slug, list(known.features), n=1)
            yield Finding(
                _line_with(slug, settings),
                "unknown-feature",
                f"{brief(slug)!r} in `graceful`",
                "the short name of a feature, such as css-border-radius",
                f"Did you mean {near[0]}?" if near else "Mend it, or take it out.",
                Severity.WARNING,
            )


def _line_with(word: str, settings: Settings) -> Place:
    """The line of the settings file that holds a word in quotes."""
    try:
        text = (settings.root / SETTINGS_FILE).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        text = ""
    lines = enumerate(text.splitlines(), start=1)
    quoted = (f'"{word}"', f"'{word}'")
    return Place(
        SETTINGS_FILE, next((at for at, line in lines if any(q in line for q in quoted)), 1)
    )
