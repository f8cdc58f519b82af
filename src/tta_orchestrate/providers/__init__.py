"""Model vendors, one file each; see ``ports.model.Provider``."""
