"""The configuration: its shape (``model.py`` and one file per section), its reading, and where each value came from."""
