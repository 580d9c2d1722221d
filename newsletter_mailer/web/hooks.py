"""Hooks: where providers report what became of messages."""

import datetime as dt
import logging
from functools import partial

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from newsletter_mailer.errors import StoreError
from newsletter_mailer.tracking.agents import known_agents
from newsletter_mailer.tracking.ingesting import ingest
from newsletter_mailer.tracking.opens import record
from newsletter_mailer.tracking.providers.choosing import providers_of
from newsletter_mailer.tracking.providers.contract import MalformedError, NotTrustedError, Provider
from newsletter_mailer.tracking.suppressing import SoftLimit
from newsletter_mailer.web.site import Site

log = logging.getLogger(__name__)

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes of one request; SendGrid's are well under 1 MB."""


def routes(site: Site) -> APIRouter:
    """The route of all providers' hooks: `POST /hooks/NAME`.

    204 where all is in the database, for good; 503 where it could not be written now, so
    that the provider repeats it. 403 for what the provider did not sign, 404 for a provider
    of whom no key is set, 400 for what was signed and holds no events, 413 for what is
    larger than `LARGEST_BODY`. No answer says more than its number.
    """
    providers = providers_of(site.settings)
    tracking = site.settings.tracking
    limit = SoftLimit(tracking.soft_bounces, dt.timedelta(days=tracking.soft_days))
    recording = partial(record, agents=known_agents(), zone=site.settings.office.zone)
    router = APIRouter()

    def take_in(provider: Provider, headers: dict[str, str], body: bytes) -> int:
        now = site.clock()
        try:
            provider.verify(headers, body, now)
            events = provider.read(body)
        except NotTrustedError as refusal:
            log.info("A request to /hooks/%s was refused: %s.", provider.name, refusal)
            return 403
        except MalformedError as refusal:
            log.error("A request to /hooks/%s holds no events: %s.", provider.name, refusal)
            return 400
        try:
            with site.writing() as connection:
                done = ingest(connection, events, now, limit, recording)
        except StoreError as error:
            log.error("Events of %s were not taken, and will be repeated: %s", provider.name, error)
            return 503
        log.info(
            "%s reported %d events, %d known before, %d of no delivery here.",
            provider.name,
            done.events,
            done.known,
            done.unknown,
        )
        return 204

    async def hook(request: Request) -> Response:
        provider = providers.get(request.path_params["provider"])
        if provider is None:
            return Response(status_code=404)
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_BODY:
                return Response(status_code=413)
        status = await run_in_threadpool(take_in, provider, dict(request.headers), bytes(body))
        return Response(status_code=status)

    router.add_route("/hooks/{provider}", hook, methods=["POST"], include_in_schema=False)
    return router
