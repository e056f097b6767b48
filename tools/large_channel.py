"""Make a network that quantizes badly out of one that does not.

    python tools/large_channel.py RUN OUT [--times 1000]

It says the same in float32: one channel of a convolution is that many times as large as it was, and
its readers are as much smaller. What `mnist-edge export OUT --int8` says of it is in
docs/export.md.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer looks at it
from typing import Annotated

import numpy as np
import typer

from mnist_edge.bundle import MANIFEST, Bundle, make_entry, manifest_text, read_bundle


def with_large_channel(run: Bundle, factor: float, folder: Path) -> Bundle:
    """Write a run that is the same in float32, but for one channel that is `factor` times larger.

    The channel is that of the largest kernel in the second convolution; a rectifier and pooling let
    the factor through, and the next convolution divides by it.
    """
    import keras

    from mnist_edge.training.fold import fold

    entry = next(entry for entry in run.models if entry.format == "keras")
    model = fold(keras.saving.load_model(run.folder / entry.file, compile=False))
    _, scaled, reader = [layer for layer in model.layers if layer.get_weights()][:3]
    kernel, bias = scaled.get_weights()
    factors = np.ones(len(bias), np.float32)
    factors[np.abs(kernel).sum((0, 1, 2)).argmax()] = factor
    scaled.set_weights([kernel * factors, bias * factors])
    kernel, bias = reader.get_weights()
    reader.set_weights([kernel / factors[:, None], bias])
    folder.mkdir(parents=True)
    model.save(folder / entry.file)
    made = make_entry(folder / entry.file, "float32", input=entry.input, output=entry.output)
    manifest = {**run.manifest, "models": [made.as_dict()]}
    (folder / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")
    return read_bundle(folder)


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    out: Annotated[Path, typer.Argument(help="Folder of the new one.")],
    times: Annotated[float, typer.Option(help="As large as it was.")] = 1000,
) -> None:
    """Write a run with one large channel."""
    with_large_channel(read_bundle(run), times, out)


if __name__ == "__main__":
    typer.run(main)
