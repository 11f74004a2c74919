"""Builders of valid things: one module a subject, keyword overrides."""
