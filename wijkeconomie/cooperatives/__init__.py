"""Cooperatives, their members, roles, logins and contributions."""
