"""What cooperatives do together: the federation and the interchange of whole cities."""
