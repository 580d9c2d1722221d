"""DMARC: what receivers do with forged mail, and whether ours is seen as our own (RFC 7489)."""

from collections.abc import Iterator
from dataclasses import dataclass

from newsletter_mailer.doctor.diagnosis import Diagnosis, failing, fine, unknown, warning
from newsletter_mailer.doctor.names import Names, Reply
from newsletter_mailer.doctor.tag_list import read_tags

NAME = "DMARC"

_POLICIES = {"none", "quarantine", "reject"}


@dataclass(frozen=True, slots=True)
class Policy:
    """A DMARC record: where it stands, its tags, and what it says for the sender's domain."""

    domain: str
    tags: dict[str, str]
    asked: str


def dmarc(domain: str, names: Names, *, return_path: str, signs_for: str) -> list[Diagnosis]:
    """How the DMARC record for `domain` is, and whether mails pass it.

    Args:
        domain: that of the From line.
        names: answers from the DNS.
        return_path: the domain that SPF is looked up for.
        signs_for: the domain of the DKIM signature, its d=; empty where none is known.
    """
    for place in _places(domain):
        at = f"_dmarc.{place}"
        found = names.texts(at)
        if found.reply is Reply.UNANSWERED:
            return [unknown(NAME, f"The record at {at} is not known: {found.reason}.")]
        records = [text for text in found.records if _is_dmarc(text)]
        if len(records) > 1:
            return [
                failing(
                    NAME,
                    f"There are {len(records)} DMARC records at {at}, so receivers heed none "
                    "(RFC 7489, 6.6.3).",
                    "Leave one.",
                )
            ]
        if records:
            policy = _policy(domain, place, records[0])
            if isinstance(policy, Diagnosis):
                return [policy]
            return [_judged(policy), _alignment(domain, policy, return_path, signs_for)]
        if found.records and place == domain:
            return [
                failing(
                    NAME,
                    f"The record at {at} is not a DMARC record, which begins with v=DMARC1 and a "
                    "semicolon.",
                    f'Publish "v=DMARC1; p=none; rua=mailto:REPORTS@{domain}" in its place.',
                )
            ]
    return [
        failing(
            NAME,
            f"There is no DMARC record for {domain}.",
            f'Publish a TXT record at _dmarc.{domain}: "v=DMARC1; p=none; '
            f'rua=mailto:REPORTS@{domain}". Google, Yahoo and Microsoft ask bulk senders for one.',
        )
    ]


def aligned(one: str, other: str, organisation: str, *, strict: bool) -> bool:
    """Whether two domains count as the same (RFC 7489, 3.1)."""
    if one == other:
        return True
    return not strict and all(_under(each, organisation) for each in (one, other))


def _places(domain: str) -> Iterator[str]:
    """The domain and those above it, down to two labels: where its record may stand.

    Walking up finds the organisation's record without a list of public suffixes; a
    registry's own record tells itself by psd=y (RFC 9091).
    """
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        yield ".".join(labels[start:])


def _is_dmarc(text: str) -> bool:
    name, _, rest = text.partition("=")
    return name.strip().lower() == "v" and rest.partition(";")[0].strip() == "DMARC1"


def _policy(domain: str, place: str, text: str) -> Policy | Diagnosis:
    tags = read_tags(text)
    key = "p" if place == domain or not (tags or {}).get("sp") else "sp"
    asked = (tags or {}).get(key, "").lower()
    if tags is None or asked not in _POLICIES:
        what = "is malformed" if tags is None else f"has {key}={tags.get(key, '')!r}"
        return failing(
            NAME,
            f"The DMARC record at _dmarc.{place} {what}: {text!r}.",
            "Expected tags with semicolons between, and p= none, quarantine or reject, such as "
            f'"v=DMARC1; p=none; rua=mailto:REPORTS@{place}".',
        )
    wrong = [
        f"{tag}={tags[tag]}"
        for tag in ("adkim", "aspf")
        if tags.get(tag, "r").lower() not in {"r", "s"}
    ]
    if wrong:
        return warning(
            NAME,
            f"The DMARC record at _dmarc.{place} has {' and '.join(wrong)}, which means nothing.",
            "Write r (relaxed) or s (strict), or leave it out.",
        )
    return Policy(place, tags, asked)


def _judged(policy: Policy) -> Diagnosis:
    at = f"_dmarc.{policy.domain}"
    shown = "; ".join(f"{name}={value}" for name, value in policy.tags.items())
    if not policy.tags.get("rua"):
        return warning(
            NAME,
            f"The DMARC record at {at} asks for no reports: {shown}.",
            f"Add rua=mailto: and an address that somebody reads, to see who sends as "
            f"{policy.domain}.",
        )
    if not policy.tags["rua"].lower().startswith("mailto:"):
        return warning(
            NAME,
            f"The DMARC record at {at} sends its reports to {policy.tags['rua']!r}.",
            "Expected rua=mailto: and an address.",
        )
    if policy.asked == "none":
        return warning(
            NAME,
            f"The DMARC record at {at} only watches (p=none): {shown}.",
            "That is enough for Google, Yahoo and Microsoft. Once the reports show only your own "
            "senders, ask for p=quarantine, then p=reject.",
        )
    return fine(NAME, f"{at}: {shown}")


def _alignment(domain: str, policy: Policy, return_path: str, signs_for: str) -> Diagnosis:
    """Whether SPF or DKIM vouches for the From line's domain; one of the two is enough."""
    name = "DMARC alignment"
    organisation = policy.domain if policy.tags.get("psd", "n").lower() != "y" else domain
    strict = {tag: policy.tags.get(tag, "r").lower() == "s" for tag in ("aspf", "adkim")}
    by_spf = aligned(domain, return_path, organisation, strict=strict["aspf"])
    by_dkim = bool(signs_for) and aligned(domain, signs_for, organisation, strict=strict["adkim"])
    ways = [f"the return path's {return_path}"] if by_spf else []
    ways += [f"DKIM's {signs_for}"] if by_dkim else []
    if by_dkim or (ways and not signs_for):
        return fine(name, f"the From line's {domain} agrees with {' and '.join(ways)}")
    differing = [] if by_spf else [f"the return path's domain {return_path} (SPF)"]
    differing += [f"the signature's domain {signs_for} (DKIM)"] if signs_for else []
    found = f"The From line's domain {domain} does not agree with {' or '.join(differing)}."
    if by_spf:
        return warning(
            name,
            f"{found} SPF alone carries DMARC, and it breaks where a mail is forwarded.",
            f"Sign as {domain}: set domain in the section [dkim] of the settings.",
        )
    return failing(
        name,
        f"{found} Mails fail DMARC.",
        f"Sign as {domain} (section [dkim] of the settings), or send with a return path in it.",
    )


def _under(domain: str, above: str) -> bool:
    return domain == above or domain.endswith(f".{above}")
