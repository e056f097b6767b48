"""The doctor without the extra for the command line."""

from __future__ import annotations

import sys

from mnist_edge.bundle import read_bundle
from mnist_edge.classifier import SHIPPED
from mnist_edge.doctor import diagnose
from mnist_edge.errors import MnistEdgeError


def main() -> int:
    """Diagnose the bundle named on the command line, or the shipped one; return the exit code."""
    try:
        found = diagnose(read_bundle(sys.argv[1] if len(sys.argv) > 1 else SHIPPED))
    except MnistEdgeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(found.as_text())
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
