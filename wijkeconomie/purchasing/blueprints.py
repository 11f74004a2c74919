"""The blueprint that the pages of purchase rounds hang on."""

from __future__ import annotations

from wijkeconomie.cooperatives.sessions import cooperative_blueprint

pages = cooperative_blueprint("purchasing", __name__)
