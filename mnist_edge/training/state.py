"""What a run needs to go on after it was stopped: saved whole after every epoch."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.atomic import write_file
from mnist_edge.errors import SettingError
from mnist_edge.training.recipe import Recipe, from_dict

if TYPE_CHECKING:
    from pathlib import Path

STATE = "state.npz"

Row = dict[str, float]  # one epoch of the history


@dataclass(frozen=True)
class State:
    """A run between two epochs.

    Attributes:
        recipe: what is being run.
        dataset_sha256: on which data.
        history: a row for each epoch done.
        seconds: spent so far.
        arrays: every variable of the model (weights, statistics, random seeds), then of the
            optimizer, in their own order.
    """

    recipe: Recipe
    dataset_sha256: str
    history: list[Row]
    seconds: float
    arrays: list[Any]

    def save(self, folder: Path) -> None:
        """Write the state into `folder`, whole or not at all.

        Raises:
            OutputError: the folder cannot be written to, or the disk is full.
        """
        about = {
            "recipe": self.recipe.as_dict(),
            "dataset_sha256": self.dataset_sha256,
            "history": self.history,
            "seconds": self.seconds,
        }
        named = {f"array_{place:04d}": array for place, array in enumerate(self.arrays)}
        buffer = io.BytesIO()
        np.savez(buffer, about=np.array(json.dumps(about)), **named)
        write_file(folder / STATE, buffer.getvalue())


def load_state(folder: Path) -> State | None:
    """Return the state in `folder`, or None where there is none.

    Raises:
        SettingError: the file is damaged.
    """
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            about = json.loads(str(archive["about"]))
            arrays = [archive[name] for name in sorted(archive.files) if name != "about"]
        return State(
            from_dict(about["recipe"]),
            about["dataset_sha256"],
            about["history"],
            about["seconds"],
            arrays,
        )
    except Exception as error:
        raise SettingError(
            f"{path} is damaged ({error}): remove it, or train with --fresh"
        ) from None
