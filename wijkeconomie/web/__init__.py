"""The HTML shell: layout, shared templates, formatting. Pages live with their capability."""
