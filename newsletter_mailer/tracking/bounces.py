"""What a code means of a message that came back: is it the address, the moment, or us.

It follows the table of replies (`sending/transports/smtp/replies.py`), whose sources are
RFC 3463 and RFC 5248; what comes back later is judged as what is refused at once.
"""

import re

from newsletter_mailer.sending.transports.smtp.replies import Fate, Reply, Step, judged
from newsletter_mailer.tracking.events import Kind

_CODE = re.compile(r"(?<![0-9.])([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9.])")


def bounce_of(code: str) -> Kind:
    """What follows from an enhanced code such as `5.1.1`.

    Only a code that names the address is a bounce of it. What nobody can tell is soft, and
    so is a full mailbox (5.2.2).
    """
    found = _CODE.fullmatch(code.strip())
    if found is None or found[1] != "5":
        return Kind.SOFT_BOUNCED
    match judged(Step.MESSAGE, Reply(550, code.strip(), "")):
        case Fate.DEAD:
            return Kind.BOUNCED
        case Fate.OURS:
            return Kind.BLOCKED
        case _:
            return Kind.SOFT_BOUNCED


def code_in(text: str) -> str:
    """The first enhanced code that stands in a text; empty where there is none."""
    found = _CODE.search(text)
    return found[0] if found else ""
