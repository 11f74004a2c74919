"""Dutch first, English beside it: catalogues of every capability, merged by the app."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, Response, g, redirect, request, session
from flask_babel import Babel

LANGUAGES = ("nl", "en")
DEFAULT_LANGUAGE = "nl"
PACKAGE_FOLDER = Path(__file__).resolve().parents[1]
EXTRACTION = [("**.py", "python"), ("**/templates/**.html", "jinja2")]


def init_translations(app: Flask, package: Path = PACKAGE_FOLDER) -> None:
    """Compile what is not compiled yet and let each request choose its language."""
    compile_catalogues(package)
    folders = [str(folder) for folder in _translation_folders(package)]
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join(folders)
    app.config["BABEL_DEFAULT_LOCALE"] = DEFAULT_LANGUAGE
    Babel(app, locale_selector=choose_language)

    @app.post("/language", endpoint="language")
    def set_language() -> Response:
        wanted = request.form.get("language", "")
        if wanted in LANGUAGES:
            session["language"] = wanted
        back = request.form.get("back", "/")
        local = back.startswith("/") and not back.startswith(("//", "/\\"))
        response = redirect(back if local else "/")
        assert isinstance(response, Response)  # noqa: S101 redirect() is typed wider than it is
        return response


def choose_language() -> str:
    """As chosen on the site, else as the login has it, else as the browser asks, else Dutch."""
    chosen = session.get("language") or g.get("login_language")
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(LANGUAGES) or DEFAULT_LANGUAGE


def _translation_folders(package: Path) -> list[Path]:
    return sorted(package.glob("**/translations"))


def _catalogues(package: Path) -> Iterator[Path]:
    for folder in _translation_folders(package):
        yield from sorted(folder.glob("*/LC_MESSAGES/messages.po"))


def compile_catalogues(package: Path = PACKAGE_FOLDER) -> None:
    """Write the binary form of each catalogue that has changed; a read-only tree stays as it is."""
    for source in _catalogues(package):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        buffer = io.BytesIO()
        write_mo(buffer, read_catalogue(source))
        try:
            draft = target.with_suffix(".mo.new")
            draft.write_bytes(buffer.getvalue())
            draft.replace(target)
        except PermissionError:
            if not target.exists():
                raise


def read_catalogue(source: Path) -> Catalog:
    """One catalogue file."""
    with source.open("rb") as stream:
        return read_po(stream, locale=source.parts[-3])


def untranslated(package: Path = PACKAGE_FOLDER) -> list[str]:
    """Texts of templates and code that no Dutch catalogue translates, each with its place."""
    known: set[str] = set()
    for source in _catalogues(package):
        if source.parts[-3] == "nl":
            known |= {
                message.id if isinstance(message.id, str) else message.id[0]
                for message in read_catalogue(source)
                if message.id and message.string and not message.fuzzy
            }
    missing = []
    for file, line, message, _comments, _context in extract_from_dir(
        package,
        method_map=EXTRACTION,
        options_map={"**/templates/**.html": {"trimmed": "true"}},
        keywords={
            "_": None,
            "gettext": None,
            "ngettext": (1, 2),
            "lazy_gettext": None,
            "pgettext": ((1, "c"), 2),
        },
    ):
        text = message if isinstance(message, str) else message[0]
        if text not in known:
            missing.append(f"{file}:{line}: {text}")
    return missing
