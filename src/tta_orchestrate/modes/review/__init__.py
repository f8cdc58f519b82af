"""Review a change: local checks first, models on top where there are any, everything through the evidence gate."""
