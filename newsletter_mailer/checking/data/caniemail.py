"""What mail programs support, by the data of Can I email, and how that data is renewed.

`caniemail.json` beside this module is the data cut down to what the check of mail
programs reads. A feature's `support` has one letter for each of `clients`, in their
order: what their newest tested version does with it. `y` is support, `a` a partial one,
`n` none, `u` unknown, and `-` stands where nobody has tested it.
"""

import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from newsletter_mailer.errors import UsageError
from newsletter_mailer.whole import whole_file

FILE = Path(__file__).with_name("caniemail.json")
LICENCE_FILE = "caniemail-LICENSE.txt"
PACKAGE = "caniemail"

_WAIT = 120
"""Seconds that npm may take to fetch the package."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature of HTML or CSS; `support` is y, a, n or u by client, as `outlook windows`."""

    slug: str
    title: str
    category: str
    url: str
    support: Mapping[str, str]


@dataclass(frozen=True)
class Support:
    """The whole data, and which version it is."""

    version: str
    date: str
    clients: tuple[str, ...]
    features: Mapping[str, Feature]


@cache
def support(path: Path = FILE) -> Support:
    """The data that is there.

    Raises:
        UsageError: the file is missing or damaged.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        clients = tuple(kept["clients"])
        features = {
            each["slug"]: Feature(
                each["slug"],
                each["title"],
                each["category"],
                each["url"],
                {
                    client: letter
                    for client, letter in zip(clients, each["support"], strict=True)
                    if letter != "-"
                },
            )
            for each in kept["features"]
        }
        return Support(kept["version"], kept["date"], clients, features)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} cannot be read as data about mail programs: {error}. "
            "Fetch it anew with newsletter clients --refresh."
        ) from error


def refresh(folder: Path = FILE.parent) -> Support:
    """Fetch the newest data with npm, and write it and its licence into `folder`.

    Raises:
        UsageError: npm is not there, cannot fetch the package, or the package has changed
            its shape; the data that is there stays as it was.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise UsageError(
            "npm was not found, and the data about mail programs is fetched with it. "
            "Install Node.js, which brings npm, and run the command again."
        )
    with tempfile.TemporaryDirectory() as draft:
        packed = _packed(npm, Path(draft))
        try:
            with tarfile.open(packed) as archive:
                full, package = (
                    json.loads(_member(archive, f"package/{name}"))
                    for name in ("data/caniemail.json", "package.json")
                )
                licence = _member(archive, "package/LICENSE")
            kept = reduced(full, str(package["version"]), str(package["license"]))
        except (
            tarfile.TarError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError
        ) as error:  # fmt: skip
            raise UsageError(
                f"The package {PACKAGE} is not in the shape that was expected ({error!r}). "
                "The data that is there was kept; this program needs an update to read newer data."
            ) from error
    try:
        with whole_file(folder / FILE.name) as draft:
            draft.write_text(_written(kept), encoding="utf-8")
        with whole_file(folder / LICENCE_FILE) as draft:
            draft.write_bytes(licence)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written: {error.strerror}. "
            "Run the command as the user who installed this program."
        ) from error
    support.cache_clear()
    return support(folder / FILE.name)


def reduced(full: Any, version: str, licence: str) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """The data as it is kept, from the data as the package holds it.

    Raises:
        KeyError, TypeError, AttributeError, IndexError: it is not in the shape that is known.
        ValueError: it holds no feature.
    """
    features = [each for each in full["data"] if each["category"] in {"css", "html", "image"}]
    if not features:
        raise ValueError("no features")
    newest = {
        each["slug"]: {
            f"{family} {platform}": list(versions.values())[-1][0]
            for family, platforms in each["stats"].items()
            for platform, versions in platforms.items()
            if versions
        }
        for each in features
    }
    clients = sorted({client for support in newest.values() for client in support})
    return {
        "source": f"the npm package {PACKAGE}, with data of caniemail.com",
        "version": version,
        "date": full["last_update_date"][:10],
        "licence": f"{licence}, see {LICENCE_FILE}",
        "clients": clients,
        "features": [
            {
                **{key: each[key] for key in ("slug", "title", "category", "url")},
                "support": "".join(newest[each["slug"]].get(client, "-") for client in clients),
            }
            for each in sorted(features, key=lambda each: str(each["slug"]))
        ],
    }


def _packed(npm: str, folder: Path) -> Path:
    try:
        subprocess.run(  # noqa: S603 - npm as it stands on the path, with fixed words
            [npm, "pack", f"{PACKAGE}@latest", "--silent"],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=_WAIT,
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            f"npm did not answer within {_WAIT} seconds. Check the network, and try again."
        ) from error
    except (subprocess.CalledProcessError, OSError) as error:
        said = getattr(error, "stderr", b"") or b""
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise UsageError(
            f"npm could not fetch the package {PACKAGE}: {''.join(last) or error}. "
            "Check the network, and try again."
        ) from error
    found = sorted(folder.glob("*.tgz"))
    if not found:
        raise UsageError(f"npm fetched no package {PACKAGE}. Check that npm works, and try again.")
    return found[0]


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    """The content of one file of an archive, of which nothing is unpacked."""
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()


def _written(kept: Mapping[str, Any]) -> str:
    """The data as JSON, one feature a line, so that a newer version shows what changed."""
    head = [
        f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},"
        for key, value in kept.items()
        if key != "features"
    ]
    features = ",\n".join(f"    {json.dumps(e, ensure_ascii=False)}" for e in kept["features"])
    return "\n".join(["{", *head, '  "features": [', features, "  ]", "}", ""])
