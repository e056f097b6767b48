"""What is done to a compiled model over and over: an epoch, and a look at what it has learnt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from mnist_edge.errors import SettingError
from mnist_edge.preprocess import to_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnist_edge.training.batches import Batches
    from mnist_edge.training.state import Row
    from mnist_edge.training.watch import Watcher

EVALUATION_BATCH = 500


def one_epoch(
    model: Any, batches: Batches, validation: tuple[Any, Any] | None, epoch: int, watcher: Watcher
) -> Row:
    """Train for epoch `epoch` (from 0) and return its row of the history.

    Args:
        model: compiled, with accuracy as its metric.
        batches: what to learn from.
        validation: inputs and targets that are held out, or None.
        epoch: fixes the order and the augmentation.
        watcher: is told of each step.

    Raises:
        SettingError: the loss is no number any more.
    """

    class Reporter(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            if logs:
                watcher.step(epoch + 1, batch + 1, logs["loss"], logs["accuracy"])

    fitted = model.fit(
        batches.of_epoch(epoch),
        initial_epoch=epoch,
        epochs=epoch + 1,
        shuffle=False,  # the order is ours already
        verbose=0,
        callbacks=[Reporter()],
    )
    row: Row = {
        "epoch": epoch + 1,
        "loss": float(fitted.history["loss"][0]),
        "accuracy": float(fitted.history["accuracy"][0]),
        "learning_rate": float(model.optimizer.learning_rate),
    }
    if validation is not None:
        loss, accuracy = model.evaluate(*validation, batch_size=EVALUATION_BATCH, verbose=0)
        row |= {"val_loss": float(loss), "val_accuracy": float(accuracy)}
    if not math.isfinite(row["loss"]):
        raise SettingError(
            f"the loss became {row['loss']} in epoch {epoch + 1}: lower --learning-rate"
        )
    return row


def predict(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what `model` says of uint8 [N,28,28] images, float32 [N,K]."""
    parts = [
        np.array(
            model(to_unit(images[start : start + EVALUATION_BATCH, :, :, None]), training=False)
        )
        for start in range(0, len(images), EVALUATION_BATCH)
    ]
    return np.concatenate(parts)
