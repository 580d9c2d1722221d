"""Whether a Mail Send request keeps to the provider's public contract.

Sources: the provider's OpenAPI description of Mail Send (twilio/sendgrid-oai), and its pages
"Limitations", "Substitution Tags" and "Errors". Unknown fields are refused.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

MOST_PERSONALIZATIONS = 1_000
MOST_SUBSTITUTED = 10_000
MOST_CUSTOM_ARGS = 10_000
LARGEST = 30 * 1024 * 1024
FURTHEST_AHEAD = 72 * 3_600

RESERVED = frozenset(
    {
        *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type"),
        *("content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc"),
    }
)
_ADDRESS = re.compile(
    r"[!#$%&'*+/=?^_`{|}~0-9A-Za-z.-]{1,64}@([0-9A-Za-z-]{1,63}\.)+[A-Za-z-]{2,63}"
)

Error = tuple[str, str | None]
"""A message, and the field that it is about."""

_PERSON = {"email": "address", "name": "string"}
_SWITCH = {"enable": "boolean"}
_SCHEMA: dict[str, Any] = {
    "personalizations": [
        {
            "from": _PERSON,
            "to": [_PERSON],
            "cc": [_PERSON],
            "bcc": [_PERSON],
            "subject": "string",
            "headers": "strings",
            "substitutions": "strings",
            "dynamic_template_data": "object",
            "custom_args": "strings",
            "send_at": "integer",
        }
    ],
    "from": _PERSON,
    "reply_to": _PERSON,
    "reply_to_list": [_PERSON],
    "subject": "string",
    "content": [{"type": "string", "value": "string"}],
    "attachments": [
        {
            "content": "string",
            "type": "string",
            "filename": "string",
            "disposition": "string",
            "content_id": "string",
        }
    ],
    "template_id": "string",
    "headers": "strings",
    "categories": ["string"],
    "custom_args": "strings",
    "send_at": "integer",
    "batch_id": "string",
    "asm": {"group_id": "integer", "groups_to_display": ["integer"]},
    "ip_pool_name": "string",
    "mail_settings": {
        "bypass_list_management": _SWITCH,
        "bypass_spam_management": _SWITCH,
        "bypass_bounce_management": _SWITCH,
        "bypass_unsubscribe_management": _SWITCH,
        "footer": {"enable": "boolean", "text": "string", "html": "string"},
        "sandbox_mode": _SWITCH,
    },
    "tracking_settings": {
        "click_tracking": {"enable": "boolean", "enable_text": "boolean"},
        "open_tracking": {"enable": "boolean", "substitution_tag": "string"},
        "subscription_tracking": {
            "enable": "boolean",
            "text": "string",
            "html": "string",
            "substitution_tag": "string",
        },
        "ganalytics": {
            "enable": "boolean",
            "utm_source": "string",
            "utm_medium": "string",
            "utm_term": "string",
            "utm_content": "string",
            "utm_campaign": "string",
        },
    },
}
_TYPES: dict[str, type] = {"string": str, "boolean": bool, "integer": int, "object": dict}


def wrong_with(mail: object, now: float) -> list[Error]:
    """What is wrong with a request; empty where nothing is."""
    errors: list[Error] = []
    _shape(mail, _SCHEMA, "", errors)
    if errors or not isinstance(mail, dict):
        return errors or [("Bad Request", None)]
    _whole(mail, now, errors)
    for at, one in enumerate(mail["personalizations"]):
        _personalization(one, f"personalizations.{at}", mail, errors)
    return errors


def _shape(value: object, schema: Any, path: str, errors: list[Error]) -> None:  # noqa: ANN401 - a schema nests
    if isinstance(schema, Mapping):
        if not isinstance(value, dict):
            errors.append(("Invalid type. Expected: object.", path or None))
            return
        for name, inner in value.items():
            field = f"{path}.{name}" if path else name
            if name in schema:
                _shape(inner, schema[name], field, errors)
            else:
                errors.append((f"Additional property {name} is not allowed", field))
    elif isinstance(schema, list):
        if not isinstance(value, list):
            errors.append(("Invalid type. Expected: array.", path))
            return
        for at, inner in enumerate(value):
            _shape(inner, schema[0], f"{path}.{at}", errors)
    elif schema == "address":
        if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
            errors.append(("Does not contain a valid address.", path))
    elif schema == "strings":
        if not isinstance(value, dict):
            errors.append(("Invalid type. Expected: object.", path))
        else:
            for name, inner in value.items():
                if not isinstance(inner, str):
                    errors.append(("Invalid type. Expected: string.", f"{path}.{name}"))
    elif not isinstance(value, _TYPES[schema]) or (schema == "integer" and value is True):
        errors.append((f"Invalid type. Expected: {schema}.", path))


def _whole(mail: dict[str, Any], now: float, errors: list[Error]) -> None:
    people = mail.get("personalizations", [])
    mail["personalizations"] = people
    if not people:
        errors.append(
            ("The personalizations field is required and must have one.", "personalizations")
        )
    if len(people) > MOST_PERSONALIZATIONS:
        errors.append(
            (
                f"The block is limited to {MOST_PERSONALIZATIONS}; you provided {len(people)}.",
                "personalizations",
            )
        )
    if sum(len(one.get(to, [])) for one in people for to in ("to", "cc", "bcc")) > 1_000:
        errors.append(("No more than 1000 recipients per request.", "personalizations"))
    if "email" not in mail.get("from", {}):
        errors.append(("The from object must be provided for every email send.", "from.email"))
    parts = [part.get("type") for part in mail.get("content", [])]
    if not parts and "template_id" not in mail:
        errors.append(
            ("Unless a valid template_id is provided, the content is required.", "content")
        )
    if len(set(parts)) < len(parts) or ("text/html" in parts and parts[-1] == "text/plain"):
        errors.append(("text/plain must come first, followed by text/html, each once.", "content"))
    for at, part in enumerate(mail.get("content", [])):
        if not part.get("type") or not part.get("value"):
            errors.append(
                (
                    "The content value must be a string at least one character long.",
                    f"content.{at}.value",
                )
            )
    for at, file in enumerate(mail.get("attachments", [])):
        if not file.get("content") or not file.get("filename"):
            errors.append(("content and filename are required.", f"attachments.{at}"))
    categories = mail.get("categories", [])
    if len(categories) > 10 or len(set(categories)) < len(categories):
        errors.append(("No more than 10 different categories.", "categories"))
    if any(len(each) > 255 for each in categories):
        errors.append(("A category may have 255 characters.", "categories"))
    if mail.get("send_at", 0) > now + FURTHEST_AHEAD:
        errors.append(("A send cannot be scheduled more than 72 hours in advance.", "send_at"))
    _headers(mail.get("headers", {}), "headers", errors)


def _personalization(
    one: dict[str, Any], path: str, mail: dict[str, Any], errors: list[Error]
) -> None:
    if not one.get("to"):
        errors.append(("The to array is required, and must have at least one email.", f"{path}.to"))
    addresses = [
        person.get("email", "").lower() for to in ("to", "cc", "bcc") for person in one.get(to, [])
    ]
    if len(set(addresses)) < len(addresses):
        errors.append(("Each email address should be unique between to, cc, and bcc.", path))
    for at, person in enumerate(one.get("to", [])):
        if "email" not in person:
            errors.append(("Does not contain a valid address.", f"{path}.to.{at}.email"))
        if set(";,") & set(person.get("name", "")):
            errors.append(("The name may hold no semicolon or comma.", f"{path}.to.{at}.name"))
    if not (one.get("subject") or mail.get("subject") or "template_id" in mail):
        errors.append(("The subject is required.", f"{path}.subject"))
    size = sum(len(k.encode()) + len(v.encode()) for k, v in one.get("substitutions", {}).items())
    if size > MOST_SUBSTITUTED:
        errors.append(
            (
                "Substitutions are limited to 10000 bytes per personalization.",
                f"{path}.substitutions",
            )
        )
    if len(json.dumps(one.get("custom_args", {}))) > MOST_CUSTOM_ARGS:
        errors.append(("Custom args are limited to 10000 bytes.", f"{path}.custom_args"))
    _headers(one.get("headers", {}), f"{path}.headers", errors)


def _headers(given: dict[str, str], path: str, errors: list[Error]) -> None:
    for name, value in given.items():
        if name.lower() in RESERVED:
            errors.append((f"{name} is a reserved header.", f"{path}.{name}"))
        if not (name + value).isascii() or "\n" in value or "\r" in value:
            errors.append(
                ("Headers must be properly encoded if they hold unicode.", f"{path}.{name}")
            )
