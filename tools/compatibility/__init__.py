"""The wheel with every Python, runtime and numpy that it should run with, each apart.

python -m tools.compatibility
"""
