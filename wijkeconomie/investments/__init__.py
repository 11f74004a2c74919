"""Neighbourhood infrastructure that members pay for together: campaigns, participations, assets."""
