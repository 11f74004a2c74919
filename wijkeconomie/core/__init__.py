"""What every capability stands on; knows no capability and no web framework's request."""
