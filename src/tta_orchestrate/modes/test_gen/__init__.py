"""Test generation: candidates are executed in a sandbox and kept only when they earn their place.

``run.py`` is the way in. Nothing of the tested repository is imported or executed in this process: it reads text;
``arena.py`` is the only door to execution, ``worker/`` is what runs behind it.
"""
