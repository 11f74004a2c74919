"""What a WSGI server loads: ``gunicorn wsgi:application`` (docs/operating.md)."""

from __future__ import annotations

import atexit
import os
from contextlib import ExitStack

from wijkeconomie.app import create_app
from wijkeconomie.core.logs import configure_logging
from wijkeconomie.core.runtime import open_runtime
from wijkeconomie.core.settings import load_settings

_settings = load_settings(os.environ)
configure_logging(_settings)
_stack = ExitStack()
atexit.register(_stack.close)
application = create_app(_stack.enter_context(open_runtime(_settings)))
