"""One file per test runner; each ends in ``RUNNER``."""
