"""GitHub: the runner's files and commands, events, and the REST API."""
