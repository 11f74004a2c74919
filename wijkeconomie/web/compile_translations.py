"""``python -m wijkeconomie.web.compile_translations``: part of the set-up."""

from __future__ import annotations

from wijkeconomie.web.translations import compile_catalogues

if __name__ == "__main__":
    compile_catalogues()
