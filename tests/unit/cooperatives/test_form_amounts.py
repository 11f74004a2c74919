"""Amounts of forms: what nobody typed is not an amount of nothing."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_babel import Babel

from wijkeconomie.cooperatives.forms import FormReader


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    Babel(app)
    return app


@pytest.mark.parametrize("sent", [{}, {"net": ""}, {"net": "  "}])
def test_a_blank_amount_is_an_error_unless_the_field_may_be_left_open(
    app: Flask, sent: dict[str, str]
) -> None:
    with app.test_request_context(method="POST", data=sent):
        form = FormReader()
        assert form.amount("net", if_empty=0) == 0
        assert form.optional_amount("net") is None
        assert form.errors == []
        form.amount("net")

    assert [field for field, _words in form.errors] == ["net"]


def test_an_amount_of_nothing_can_be_typed(app: Flask) -> None:
    with app.test_request_context(method="POST", data={"net": "0,00", "vat": "12,34"}):
        form = FormReader()
        assert (form.amount("net"), form.amount("vat", if_empty=5)) == (0, 1234)

    assert form.errors == []
