"""Converters print to both streams from Python and from C++; none of it is a result of ours."""

from __future__ import annotations

import io
import logging
import os
import sys
import tempfile
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

from mnist_edge.errors import MnistEdgeError, ModelError
from mnist_edge.export.refusals import explain

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def quiet(what: str) -> Iterator[None]:
    """Keep both streams silent while `what` runs; an error carries its own first line.

    Raises:
        ModelError: the block raised anything but an error of ours.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as sink:
        kept = [os.dup(1), os.dup(2)]
        try:
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
            nowhere = io.StringIO()
            disabled = logging.root.manager.disable
            logging.disable(logging.WARNING)
            with (
                redirect_stdout(nowhere),
                redirect_stderr(nowhere),
                warnings.catch_warnings(),
            ):
                warnings.simplefilter("ignore")
                try:
                    yield
                finally:
                    logging.disable(disabled)
        except (MnistEdgeError, OSError):
            raise
        except Exception as error:
            raise ModelError(f"{what} failed: {explain(error)}") from error
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, stream in enumerate(kept, start=1):
                os.dup2(stream, number)
                os.close(stream)
