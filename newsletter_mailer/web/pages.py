"""Pages: the templates in `templates/web`, rendered with the office's names and colours."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from fastapi.responses import HTMLResponse

from newsletter_mailer.errors import TemplateError
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.settings import Settings

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Pages:
    """Renders the pages of a project, and holds the few files that they load."""

    def __init__(self, settings: Settings) -> None:
        """Read the templates and the files in `static`.

        Raises:
            TemplateError: a template does not parse.
        """
        folder = settings.web_templates
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder),
            auto_reload=False,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.static = _static(folder / "static")
        self.static["theme.css"] = theme_css(settings).encode(), _MEDIA_TYPES[".css"]
        versions = {
            name: hashlib.sha256(content).hexdigest()[:12]
            for name, (content, _) in self.static.items()
        }
        self._environment.globals.update(
            office=settings.office,
            base_url=settings.base_url,
            asset=lambda name: f"/static/{name}?v={versions[name]}",
        )
        for name in self._environment.list_templates(extensions=["html", "xml"]):
            try:
                self._environment.get_template(name)
            except jinja2.TemplateSyntaxError as error:
                file = (folder / (error.name or name)).relative_to(settings.root).as_posix()
                found = Finding(
                    Place(file, error.lineno), "template", str(error.message), mend="Mend it."
                )
                raise TemplateError([found]) from error

    def text(self, name: str, names: Mapping[str, Any]) -> str:
        """The text that a template makes of `names`."""
        return self._environment.get_template(name).render(names)

    def page(
        self,
        name: str,
        names: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """The answer that shows a template filled in with `names`."""
        return HTMLResponse(self.text(name, names or {}), status_code=status, headers=headers)


def theme_css(settings: Settings) -> str:
    """The office's colours, light and dark, as custom properties of CSS."""
    light = settings.theme.model_dump(exclude={"dark"})
    dark = settings.theme.dark.model_dump()
    return (
        f":root{{color-scheme:light dark;{_properties(light)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{_properties(dark)}}}}}\n"
    )


def _properties(colours: Mapping[str, str]) -> str:
    return "".join(f"--{name.replace('_', '-')}:{colour};" for name, colour in colours.items())


def _static(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Each file's content and media type, by its name."""
    return {
        path.name: (path.read_bytes(), _MEDIA_TYPES[path.suffix])
        for path in sorted(folder.iterdir())
        if path.suffix in _MEDIA_TYPES
    }
