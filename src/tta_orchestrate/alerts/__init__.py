"""Channels by which somebody outside is told: one file each, ending in ``SENDER``."""
