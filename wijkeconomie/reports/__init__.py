"""Statements of the books for people: of a member, of a round, of a cooperative."""
