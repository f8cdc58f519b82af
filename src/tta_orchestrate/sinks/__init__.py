"""Forms in which a report is left, one file each; see ``ports.Sink``."""
