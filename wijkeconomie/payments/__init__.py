"""Money that comes in and goes out over the bank."""
