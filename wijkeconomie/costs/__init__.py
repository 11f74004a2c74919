"""Shared costs: allocation keys, recurring costs, subsidies and their monthly settlement."""
