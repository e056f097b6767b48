"""ARM without a board: roots of Debian, wheels as published, and qemu, which runs what is in them.

    python -m tools.arm

Correctness and packaging, not speed: what a board's processor would answer, not when.
"""
