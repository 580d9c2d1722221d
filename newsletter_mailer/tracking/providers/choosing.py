"""The providers that this project takes events from."""

from collections.abc import Mapping

from newsletter_mailer.settings import Settings
from newsletter_mailer.tracking.providers.contract import Provider
from newsletter_mailer.tracking.providers.sendgrid import SendGrid


def providers_of(settings: Settings) -> Mapping[str, Provider]:
    """The providers whose keys are set, by the name in their hook's address.

    Another provider is one more file beside `sendgrid.py`, and one more line here.

    Raises:
        SettingsError: a key cannot be read.
    """
    tracking = settings.tracking
    found: list[Provider] = []
    if tracking.sendgrid_keys:
        found.append(SendGrid(tracking.sendgrid_keys, tracking.replay_hours))
    return {provider.name: provider for provider in found}
