"""The command line shell: composes the commands of the capabilities."""
