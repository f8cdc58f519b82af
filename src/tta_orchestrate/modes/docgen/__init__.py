"""Documentation of a code base: pages that are complete without a model, checked against the code, and kept fresh.

The way through the room: ``plan`` (what changed) → ``build`` (symbols to pages) → ``prose`` (doc comments to blocks) →
``upgrade`` and ``truth`` (models, and the gate on what they say) → ``writers`` → ``merge`` (human edits survive) →
``store`` (safe writes, ``manifest``). ``run`` puts it together.
"""
