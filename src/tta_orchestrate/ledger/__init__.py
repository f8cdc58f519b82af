"""Where the books across runs are kept: one port, three stores."""
