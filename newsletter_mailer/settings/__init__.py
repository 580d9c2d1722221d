"""Settings: `newsletter.toml`, overridden by environment variables `NEWSLETTER_*`."""

from newsletter_mailer.settings.editing import Client, Clients, Links, Preview
from newsletter_mailer.settings.loading import SETTINGS_FILE, find_root, load_settings
from newsletter_mailer.settings.office import Greeting, Logo, Office, Sender
from newsletter_mailer.settings.project import Settings
from newsletter_mailer.settings.readers import Retention, Tracking, Web
from newsletter_mailer.settings.sending import Dkim, SavedSegment, Send, Sendgrid, Smtp

__all__ = [
    "SETTINGS_FILE",
    "Client",
    "Clients",
    "Dkim",
    "Greeting",
    "Links",
    "Logo",
    "Office",
    "Preview",
    "Retention",
    "SavedSegment",
    "Send",
    "Sender",
    "Sendgrid",
    "Settings",
    "Smtp",
    "Tracking",
    "Web",
    "find_root",
    "load_settings",
]
