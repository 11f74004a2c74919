"""Fixtures of the tests that ask the demo city over HTTP."""

from __future__ import annotations

import pytest
from flask import Flask

from wijkeconomie.app import create_app
from wijkeconomie.core.runtime import Runtime


@pytest.fixture
def site(city: Runtime) -> Flask:
    """The website of the demo city."""
    return create_app(city)
