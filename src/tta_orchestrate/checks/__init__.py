"""Deterministic reviewers, one file each; see ``ports.Check``."""
