"""Serves the web application: `python -m tests.tracking_server FOLDER PORT KEY NOW`.

FOLDER is a project's, with its settings as JSON in `settings.json`. The clock stands still.
It imports no other module of the tests, so that it starts soon.
"""

import datetime as dt
import sys
from pathlib import Path

import uvicorn

from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import open_store
from newsletter_mailer.web.app import application
from newsletter_mailer.web.pages import Pages
from newsletter_mailer.web.site import Site

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Serve until killed."""
    folder, port, key, now = sys.argv[1:]
    settings = Settings.model_validate_json((Path(folder) / "settings.json").read_bytes())
    at = dt.datetime.fromisoformat(now)
    looks = settings.model_copy(update={"root": ROOT})
    registry = read_registry(looks.agencies_file, "subscribers/agencies.yaml")
    site = Site(
        looks, registry, open_store(settings), Pages(looks), (key,), lambda: at, lambda: "random"
    )
    uvicorn.run(application(site), host="127.0.0.1", port=int(port), log_level="error")


if __name__ == "__main__":
    main()
