"""The cascade: routing, retries, budget, journal, cache. It knows models only through ``ports.model``."""
