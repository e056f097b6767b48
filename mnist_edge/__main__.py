"""The `mnist-edge` command."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; leave with its exit code."""
    if "--debug" not in sys.argv and sys.stderr is not None:
        _silence_native_stderr()
    try:
        from mnist_edge.cli import run
    except ImportError as error:
        if error.name not in ("typer", "rich"):
            raise
        print(
            f'error: {error.name} is not installed: pip install "mnist-edge[cli]"', file=sys.stderr
        )
        sys.exit(2)
    from mnist_edge.cli.streams import leave, write_what_can_be_read

    write_what_can_be_read()
    sys.exit(leave(run(sys.argv[1:])))


def _silence_native_stderr() -> None:
    """Keep what C++ libraries print on loading off the terminal; Python's stderr stays.

    TensorFlow and LiteRT write to file descriptor 2 whatever one sets. Worker processes, whose
    last words matter when they crash, have a stderr of their own.
    """
    sys.stderr.flush()
    ours = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = os.fdopen(ours, "w", buffering=1, encoding=sys.stderr.encoding, errors="replace")


if __name__ == "__main__":
    main()
