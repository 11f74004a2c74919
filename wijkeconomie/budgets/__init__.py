"""Collective care budgets (PGB): budgets, agreements, hours, declarations and month lists."""
