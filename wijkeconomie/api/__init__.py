"""The REST shell: problem details, OpenAPI and shared wire shapes. Resources live elsewhere."""
