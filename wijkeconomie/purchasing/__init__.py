"""Group purchases: from a supplier's product over pledges to a settled round."""
