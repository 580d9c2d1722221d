"""Looks once at the links that standard input lists, in a process of its own.

Prints one JSON object: `seconds`, the time without importing the program, and `good`.
"""

import datetime as dt
import json
import sys
from time import perf_counter

from benchmarks.report import ROOT
from newsletter_mailer.checking.links.looking import look_at
from newsletter_mailer.checking.links.verdict import Verdict
from newsletter_mailer.settings import load_settings


def main() -> None:
    """Look at the links, and print the figures."""
    links = sys.stdin.read().split()
    # Links may not lead to this machine; these may.
    hosts = tuple({link.split("/")[2].partition(":")[0] for link in links})
    settings = load_settings(ROOT).model_copy(update={"links_allow": hosts})
    begin = perf_counter()
    found = look_at(links, settings, clock=lambda: dt.datetime.now(dt.UTC))
    seconds = perf_counter() - begin
    good = sum(result.verdict is Verdict.OK for result in found.values())
    print(json.dumps({"seconds": seconds, "good": good}))


if __name__ == "__main__":
    main()
