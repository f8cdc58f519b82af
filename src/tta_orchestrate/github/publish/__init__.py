"""Where a report is shown on GitHub, one file each: check run, review, sticky comment."""
