"""The blueprints that the pages of this capability hang on."""

from __future__ import annotations

from flask import Blueprint

from wijkeconomie.cooperatives.sessions import cooperative_blueprint

pages = cooperative_blueprint("cooperatives", __name__)
sign_in = Blueprint("sign_in", __name__, template_folder="templates")
