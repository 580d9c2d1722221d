"""E-mail addresses: checked, and brought to one form for comparing."""

import unicodedata
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator

LONGEST_ADDRESS = 254
"""Characters in an address (RFC 5321, 4.5.3.1.3, less the angle brackets)."""


def checked_address(address: str) -> str:
    """The address without surrounding white space, its domain in ASCII and small letters.

    Only its syntax is checked; no name is looked up. An address whose part before the @
    is not ASCII is refused: most mail servers and providers cannot deliver to it yet.

    Raises:
        ValueError: it is not an address; the message says why.
    """
    try:
        found = validate_email(address.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValueError(f"{address!r} is not an e-mail address: {error}") from error
    return found.ascii_email or found.normalized


def address_key(address: str) -> str:
    """The form under which two spellings of an address are the same person's.

    RFC 5321 lets a server tell letter cases of the local part apart; none that a
    newsletter meets does, and two mails to one person are worse.
    """
    return unicodedata.normalize("NFC", address).casefold()


Address = Annotated[str, AfterValidator(checked_address)]
"""A checked address, for pydantic models."""
