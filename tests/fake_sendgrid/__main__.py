"""The fake as a process of its own, to try the program without an account.

It prints the settings to use, and serves until Ctrl-C, or until its input ends.
"""

import argparse
import contextlib
import json
import sys
import urllib.request
from pathlib import Path

from tests.fake_sendgrid.rules import DEEDS, Rule
from tests.fake_sendgrid.server import KEY, FakeSendgrid


def main() -> None:
    """Serve."""
    deeds = "\n".join(f"  {name:<14}{what}" for name, what in DEEDS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.fake_sendgrid",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"Deeds of --rule:\n{deeds}\n\n"
        "What it knows, beside the API: GET /_fake/truth, /_fake/recipients and "
        '/_fake/messages?to=ADDRESS;\nPOST /_fake/clock {"ahead": SECONDS} lets time pass, and '
        '/_fake/events {"url": …, "events": ["delivered", …]}\nposts signed events.',
    )
    parser.add_argument("--port", type=int, default=0, help="any free one by default")
    parser.add_argument("--key", default=KEY, help=f"the API key that it knows ({KEY})")
    parser.add_argument(
        "--rule",
        action="append",
        default=[],
        type=Rule.read,
        metavar="CALL:WHEN:DEED",
        help="misbehave, as in send:#3:429 (the third), send:5+:401 (from the fifth on) or "
        "send:0.01:drop-taken (one in a hundred); calls are send, batch, schedule, scopes",
    )
    parser.add_argument(
        "--refuse", action="append", default=[], metavar="ADDRESS", help="object to it, by a 400"
    )
    parser.add_argument("--limit", type=int, help="Mail Send requests in each window")
    parser.add_argument("--window", type=float, default=60.0, help="seconds (60)")
    parser.add_argument("--no-limit-headers", action="store_true", help="tell nothing of limits")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds of each Mail Send")
    parser.add_argument("--webhook", default="", metavar="URL", help="tell it what was delivered")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="a line of JSON for each mail")
    parser.add_argument("--no-checks", action="store_true", help="believe all; keep no content")
    parser.add_argument("--seed", type=int, default=1, help="of what strikes by chance")
    parser.add_argument("--quiet", action="store_true", help="print the port, and nothing else")
    chosen = parser.parse_args()
    with FakeSendgrid(
        rules=chosen.rule,
        port=chosen.port,
        key=chosen.key,
        refused=chosen.refuse,
        limit=chosen.limit,
        window=chosen.window,
        tells_limits=not chosen.no_limit_headers,
        checks=not chosen.no_checks,
        keep=not chosen.no_checks,
        latency=chosen.latency,
        truth=chosen.truth,
        webhook=chosen.webhook,
        seed=chosen.seed,
    ) as fake:
        lines = [str(fake.port)]
        if not chosen.quiet:
            lines = [
                "export NEWSLETTER_TRANSPORT=sendgrid",
                f"export NEWSLETTER_SENDGRID_HOST={fake.url}",
                f"export NEWSLETTER_SENDGRID_API_KEY={chosen.key}",
                f"# What it was given: {fake.url}/_fake/truth   Ctrl-C ends it.",
            ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            if sys.stdin.isatty():
                fake.stopped.wait()
            sys.stdin.read()


def truth(port: int, what: str = "truth") -> dict[str, int]:
    """Ask the fake at this port what it knows."""
    url = f"http://127.0.0.1:{port}/_fake/{what}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        found: dict[str, int] = json.loads(answer.read())
    return found


if __name__ == "__main__":
    main()
