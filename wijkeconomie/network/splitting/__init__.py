"""Taking over the bills of a small group from a program that splits them."""
