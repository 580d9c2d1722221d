"""SendGrid's Web API v3 as its public contract describes it: it knows the truth, and misbehaves.

By hand: `python -m tests.fake_sendgrid --help`.
"""

from tests.fake_sendgrid.provider import Message, Provider
from tests.fake_sendgrid.rules import Rule
from tests.fake_sendgrid.server import FakeSendgrid

__all__ = ["FakeSendgrid", "Message", "Provider", "Rule"]
