"""Each reader's own links: signed, opaque, and good for one purpose only."""

import hashlib

from itsdangerous import URLSafeSerializer


class PersonalLinks:
    """Makes the links of readers. They do not expire: an old mail must still unsubscribe."""

    def __init__(self, base_url: str, key: str) -> None:
        self._base_url = base_url
        self._signers = {
            purpose: URLSafeSerializer(
                key,
                salt=f"newsletter-{purpose}",
                signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
            )
            for purpose in ("preferences", "unsubscribe")
        }

    def preferences(self, campaign_id: int, subscriber_id: int) -> str:
        """The reader's preferences page."""
        return self._url("preferences", campaign_id, subscriber_id)

    def unsubscribe(self, campaign_id: int, subscriber_id: int) -> str:
        """The reader's unsubscribe page, which also takes RFC 8058's one-click POST."""
        return self._url("unsubscribe", campaign_id, subscriber_id)

    def _url(self, purpose: str, campaign_id: int, subscriber_id: int) -> str:
        token = self._signers[purpose].dumps([campaign_id, subscriber_id])
        return f"{self._base_url}/{purpose}/{token!s}"
