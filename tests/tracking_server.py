"""Serves the pages that count: `python -m tests.tracking_server FOLDER PORT KEY NOW`.

FOLDER is a project's, with its settings as JSON in `settings.json`. The clock stands still.
It imports no other module of the tests, so that it starts soon.
"""

import datetime as dt
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import open_store
from newsletter_mailer.web import counting, hooks


@dataclass(frozen=True)
class Site:
    """What the routes work with."""

    engine: Engine
    settings: Settings
    keys: tuple[str, ...]
    clock: Callable[[], dt.datetime]


def main() -> None:
    """Serve until killed."""
    folder, port, key, now = sys.argv[1:]
    settings = Settings.model_validate_json((Path(folder) / "settings.json").read_bytes())
    at = dt.datetime.fromisoformat(now)
    site = Site(open_store(settings), settings, (key,), lambda: at)
    app = FastAPI()
    app.include_router(counting.routes(site))
    app.include_router(hooks.routes(site))
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="error")


if __name__ == "__main__":
    main()
