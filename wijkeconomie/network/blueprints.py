"""The blueprint that the pages of taking data over hang on."""

from __future__ import annotations

from wijkeconomie.cooperatives.sessions import cooperative_blueprint

pages = cooperative_blueprint("network", __name__)
