"""Where code of the repository runs: behind walls that do not depend on what that code does.

A job gets its own session, limits, an empty environment, another user (when started by root), ``no_new_privs``,
Landlock, a seccomp filter and, outside a container, its own process table, network and file tree. ``supervisor.py``
alone tells how it ended.
"""
