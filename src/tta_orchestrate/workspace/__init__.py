"""The repository on disk: git objects, read hardened."""
