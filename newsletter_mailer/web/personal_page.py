"""What is held about one person, as a page that can be read, printed and handed over."""

import datetime as dt

from markupsafe import Markup

from newsletter_mailer.audience.personal_data import PersonalData
from newsletter_mailer.settings import Settings
from newsletter_mailer.web.pages import Pages, theme_css

_LABELS = {
    "email": "Address",
    "name": "Name",
    "agency_name": "Agency",
    "role": "Role",
    "status": "State",
    "source": "Came from",
    "last_imported_from": "Last imported from",
    "since": "On the list since",
    "changed": "Last changed",
    "tracking": "Opening may be recorded",
    "paused_until": "Paused until",
    "last_changed_by_themselves": "Last change of your own",
    "agency_looked_at_by_office": "Agency looked at by the office",
    "asked_to_reconfirm": "Asked whether to go on",
}


def personal_page(pages: Pages, settings: Settings, data: PersonalData, *, now: dt.datetime) -> str:
    """The page, complete in itself, with times in the office's zone."""
    zone = settings.office.zone

    def shown(value: object) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return str(value) if value else ""

    def moment(value: object) -> str:
        try:
            when = dt.datetime.fromisoformat(str(value))
        except ValueError:
            return shown(value)
        return f"{when.astimezone(zone):%-d %B %Y, %H:%M}"

    moments = {"since", "changed", "paused_until", "asked_to_reconfirm"}
    moments |= {"last_changed_by_themselves", "agency_looked_at_by_office"}
    known = {**data.person, **data.preferences}
    names = {
        "data": data,
        "person": [
            (label, (moment if field in moments else shown)(known[field]))
            for field, label in _LABELS.items()
        ],
        "now": now,
        "moment": moment,
        "theme": Markup(theme_css(settings)),  # noqa: S704 - colours, checked as such
    }
    return pages.text("personal-data.html", names)
