"""The city folder: reading, checking, importing and exporting a cooperative's whole record."""
