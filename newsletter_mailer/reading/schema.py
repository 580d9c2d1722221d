"""JSON Schemas of the files that editors write, for their own tools."""

import json
from pathlib import Path

from pydantic import BaseModel

from newsletter_mailer.errors import UsageError
from newsletter_mailer.reading.agencies import RegistryFile
from newsletter_mailer.reading.headers import ArticleHead, IssueHead

SCHEMAS: dict[str, type[BaseModel]] = {
    "issue.schema.json": IssueHead,
    "article.schema.json": ArticleHead,
    "agencies.schema.json": RegistryFile,
}
"""The schema files, and the model that each describes."""


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema into `folder`, which is made if need be.

    Raises:
        UsageError: the folder cannot be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, model in SCHEMAS.items():
            schema = {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                **model.model_json_schema(by_alias=True),
            }
            path = folder / name
            path.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}.") from error
    return written
