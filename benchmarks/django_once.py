"""Sends a message with django-newsletter: `django_once.py FOLDER MAILS PORT`.

It runs under the Python that has Django and django-newsletter, so it imports nothing of
this project. FOLDER is empty; MAILS is the JSON that `peers.py` writes. Prints JSON: the mails,
and the seconds that the package's own command `submit_newsletter` takes.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

import django  # type: ignore[import-not-found]
from django.conf import settings  # type: ignore[import-not-found]
from django.core.management import call_command  # type: ignore[import-not-found]
from django.urls import include, path  # type: ignore[import-not-found]


def main() -> None:
    """Make a minimal project, subscribe everyone, and submit."""
    folder, file, port = sys.argv[1:]
    mails = json.loads(Path(file).read_text("utf-8"))
    _set_up(Path(folder), int(port))
    _write_templates(Path(folder), next(iter(mails["variants"].values())))
    call_command("migrate", verbosity=0)
    _fill(mails)
    begin = perf_counter()
    call_command("submit_newsletter", verbosity=0)
    seconds = perf_counter() - begin
    versions = {name: version(name) for name in ("django", "django-newsletter")}
    print(json.dumps({"sent": len(mails["people"]), "seconds": seconds, **versions}))


def _set_up(folder: Path, port: int) -> None:
    urls = ModuleType("bench_urls")
    sys.modules["bench_urls"] = urls
    settings.configure(
        SECRET_KEY="nobody's secret",  # noqa: S106 - a project of a minute
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3")}
        },
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sites",
            "newsletter",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [str(folder / "templates")],
                "APP_DIRS": True,
            }
        ],
        ROOT_URLCONF="bench_urls",
        SITE_ID=1,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        NEWSLETTER_THUMBNAIL="sorl-thumbnail",
        NEWSLETTER_USE_HTTPS=True,
        NEWSLETTER_RICHTEXT_WIDGET=None,
    )
    django.setup()
    urls.urlpatterns = [path("newsletter/", include("newsletter.urls"))]  # type: ignore[attr-defined]


def _write_templates(folder: Path, mail: dict[str, str]) -> None:
    """The mail as templates, its fields filled from the subscription as the package offers it."""
    site = "https://newsletter.example.org"
    values = {
        "greeting": "Dear {{ subscription.name }},",
        "first_name": "{{ subscription.name }}",
        "name": "{{ subscription.name }}",
        "agency_name": "{{ newsletter.title }}",
        "email": "{{ subscription.email }}",
        "preferences_url": site + "{{ subscription.update_activate_url }}",
        "unsubscribe_url": site + "{{ subscription.unsubscribe_activate_url }}",
    }
    place = folder / "templates" / "newsletter" / "message"
    place.mkdir(parents=True)
    for ending, kind in (("html", "html"), ("txt", "text")):
        text = mail[kind]
        for name, variable in values.items():
            text = text.replace(f"{{{{{name}}}}}", variable)
        (place / f"message.{ending}").write_text(text, "utf-8")
    (place / "message_subject.txt").write_text(mail["subject"], "utf-8")


def _fill(mails: dict[str, Any]) -> None:
    # Models can be imported only once Django is set up.
    from newsletter.models import (  # type: ignore[import-not-found]  # noqa: PLC0415
        Message,
        Newsletter,
        Submission,
        Subscription,
    )

    title = "Safeguarding news"
    letter = Newsletter.objects.create(
        title=title, slug="news", email=mails["sender"], sender=title, send_html=True
    )
    Subscription.objects.bulk_create(
        Subscription(
            newsletter=letter, name_field=one["name"], email_field=one["email"], subscribed=True
        )
        for one in mails["people"]
    )
    message = Message.objects.create(title=title, slug="news-6", newsletter=letter)
    submission = Submission.from_message(message)
    submission.prepared = True
    submission.save()


if __name__ == "__main__":
    main()
