"""What runs inside the sandbox, in the interpreter of the tested repository: the standard library only, Python 3.9 up.

Nothing here is trusted by what reads its answers: code under test shares these processes.
"""
