"""What the pages of preferences share: whom a link belongs to, and how their page looks."""

from dataclasses import dataclass

from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection

from newsletter_mailer.audience import preferences
from newsletter_mailer.audience.preferences import Preferences
from newsletter_mailer.web import tokens
from newsletter_mailer.web.fields import Problem
from newsletter_mailer.web.masking import masked
from newsletter_mailer.web.site import Site

WAY = "preferences page"
"""As the audit trail names it."""


@dataclass(frozen=True, slots=True)
class Own:
    """Somebody's own pages, behind the link in their mails."""

    site: Site

    def person(self, connection: Connection, token: str) -> tuple[int, Preferences]:
        """The campaign and the person of a link.

        Raises:
            DeadLink: it is nobody's.
        """
        campaign_id, subscriber_id = tokens.personal(self.site, "preferences", token)
        found = preferences.find(connection, subscriber_id, self.site.clock())
        if found is None:
            raise tokens.DeadLink
        return campaign_id, found

    def whom(self, token: str) -> Preferences:
        """The person of a link.

        Raises:
            DeadLink: it is nobody's.
        """
        with self.site.reading() as connection:
            return self.person(connection, token)[1]

    def page(
        self,
        template: str,
        token: str,
        who: Preferences,
        problems: list[Problem] | None = None,
        **names: object,
    ) -> HTMLResponse:
        """A page about them."""
        everything = {
            "token": token,
            "who": who,
            "email": masked(who.email),
            "paused": self._paused(who),
            "problems": problems or [],
            **names,
        }
        return self.site.pages.page(template, everything, status=422 if problems else 200)

    def saved(self, token: str, what: str) -> RedirectResponse:
        """Back to the overview, which says what was saved."""
        return RedirectResponse(f"/preferences/{token}?saved={what}", 303)

    def _paused(self, who: Preferences) -> str:
        """The day of a pause's end as it is written on pages; empty without one."""
        if who.paused_until is None:
            return ""
        day = who.paused_until.astimezone(self.site.settings.office.zone)
        return f"{day.day} {day:%B %Y}"
