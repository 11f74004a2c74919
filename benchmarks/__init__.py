"""Measures the service against raw SQL doing the same durable work, in the same run."""
