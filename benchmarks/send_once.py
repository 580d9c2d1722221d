"""Sends what is left of a project's campaign, as `newsletter send` does: `send_once FOLDER`.

The campaign was frozen before, and the settings come from the environment. Prints JSON for
the process that measures: the seconds from opening the database to the last reply written
down, the deliveries that were sent, and the peak of memory.
"""

import json
import sys
import threading
from pathlib import Path
from time import perf_counter

from benchmarks.memory import peak_megabytes
from newsletter_mailer.sending.campaign import all_campaigns
from newsletter_mailer.sending.dispatching import dispatch_of
from newsletter_mailer.sending.running import run
from newsletter_mailer.settings import load_settings
from newsletter_mailer.store.engine import open_store, reading


def main() -> None:
    """Send, and print JSON."""
    settings = load_settings(Path(sys.argv[1]))
    begin = perf_counter()
    engine = open_store(settings)
    try:
        with reading(engine) as connection:
            (campaign,) = all_campaigns(connection)
        ending = run(
            dispatch_of(engine, campaign, settings),
            stop=threading.Event(),
            progress=lambda _: None,
            waiting=lambda until: sys.exit(f"It would wait until {until}."),
        )
        seconds = perf_counter() - begin
    finally:
        engine.dispose()
    sent = ending.counts.sent
    print(json.dumps({"sent": sent, "seconds": seconds, "megabytes": peak_megabytes()}))


if __name__ == "__main__":
    main()
