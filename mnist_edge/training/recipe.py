"""A recipe: everything that decides what a training run gives, as a frozen record."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from mnist_edge.data.splits import stratified_split
from mnist_edge.errors import SettingError, unknown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OPTIMIZERS = ("adam", "adamw", "muon", "sgd", "rmsprop")
SCHEDULES = ("constant", "cosine")
AUGMENTATIONS = ("none", "affine", "elastic")
# The least and the most filter counts that a network takes.
CONVOLUTIONS = {
    "dense": (0, 0), "conv": (1, 3), "edge": (2, 7), "pooled": (3, 6), "separable": (2, 5),
}  # fmt: skip
WORDS = ("summary", "claim")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A network and how it is trained.

    Attributes:
        name: what `--recipe` takes.
        summary: one line for people.
        network: `conv` (3x3 convolutions, each with a 2x2 pool, then dense layers), `dense`
            (dense layers alone), `edge`, `pooled` or `separable` (see `networks`).
        filters: of each convolution.
        dense: units of the hidden dense layer; 0 for none.
        normalise_logits: while it learns, normalise by batch what goes into the softmax (see
            `logits`); it is folded into the last dense layer afterwards.
        zero_mean_stem: while it learns, keep the kernels of the first convolution at a mean of
            zero (see `stem`), so that an even ground under an image changes nothing.
        dropout: share of values dropped before the last layer, 0 <= dropout < 1.
        epochs: passes over the training part.
        batch_size: images a step.
        optimizer: one of OPTIMIZERS; `muon` is ours (see `muon`), the rest are Keras's.
        learning_rate: at the start; above 0. With `muon`, that of kernels.
        schedule: `constant`, or `cosine` down to zero at the last step.
        warm_up: share of the steps over which the learning rate rises from zero before it falls,
            0 <= warm_up < 1; a constant one does not rise.
        weight_decay: of kernels, by `adamw` (Loshchilov and Hutter 2019) and `muon`: a step takes
            this times the learning rate off a weight.
        one_hot: labels as one-hot vectors with categorical cross-entropy; else class indices
            with sparse categorical cross-entropy (the same loss, written otherwise).
        augmentation: `none`, `affine` (see `augment.affine`), or `elastic`: bent as well (see
            `augment.elastic`).
        strength: of the affine part, times what `augment` has; 0 or more.
        bend: of the elastic part, in pixels; 0 or more.
        intensity: share of the images that get other contrast, ground and noise (see
            `augment.intensity`), 0..1.
        contrast: share of the images that get less contrast on a black ground (see
            `augment.dim`), 0..1; drawn apart from the others.
        noise: share of the images that get noise (see `augment.noise`), 0..1; drawn apart too.
        validation_share: of the training images, held out by class, never learnt from.
        split_seed: fixes which images those are; None for `seed`.
        calibrate: after the last epoch, divide the logits by the temperature that suits the
            held-out images best (see `temperature`); nothing is done where none are held out.
        seed: fixes the order, the augmentation and the initial weights.
        teachers: SHA-256 of the weights of the models whose answers are learnt in place of the
            labels (see `lessons`); none for the labels.
        claim: what write-ups of the same network say of its accuracy; empty for our own.
    """

    name: str
    summary: str
    network: str
    filters: tuple[int, ...]
    dense: int = 0
    normalise_logits: bool = False
    zero_mean_stem: bool = False
    dropout: float = 0.0
    epochs: int = 10
    batch_size: int = 128
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warm_up: float = 0.0
    weight_decay: float = 0.004
    one_hot: bool = False
    augmentation: str = "none"
    strength: float = 1.0
    bend: float = 1.0
    intensity: float = 0.0
    contrast: float = 0.0
    noise: float = 0.0
    validation_share: float = 0.1
    split_seed: int | None = None
    calibrate: bool = False
    seed: int = 0
    teachers: tuple[str, ...] = ()
    claim: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as a manifest writes it."""
        return {**asdict(self), "filters": list(self.filters), "teachers": list(self.teachers)}

    @property
    def held_by(self) -> int:
        """The seed that fixes which images are held out."""
        return self.seed if self.split_seed is None else self.split_seed

    def split(self, labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the places of what is learnt from and of what is held out, each sorted.

        Args:
            labels: class index of each training image, [N].
        """
        return stratified_split(labels, self.validation_share, self.held_by)

    def settings(self) -> dict[str, Any]:
        """Return what decides the result: all but the words for people."""
        return {key: value for key, value in self.as_dict().items() if key not in WORDS}


def override(recipe: Recipe, **changes: Any) -> Recipe:
    """Return `recipe` with those `changes` that are not None, checked.

    Raises:
        SettingError: a value out of range; the message says what was wanted.
    """
    changed = replace(recipe, **{key: value for key, value in changes.items() if value is not None})
    _check(changed)
    return changed


def _check(recipe: Recipe) -> None:
    wanted = {
        "epochs": (recipe.epochs >= 1, "1 or more"),
        "batch_size": (recipe.batch_size >= 1, "1 or more"),
        "learning_rate": (0 < recipe.learning_rate < float("inf"), "a number above 0"),
        "warm_up": (0 <= recipe.warm_up < 1, "at least 0 and below 1"),
        "weight_decay": (0 <= recipe.weight_decay < float("inf"), "0 or more"),
        "strength": (0 <= recipe.strength < float("inf"), "0 or more"),
        "bend": (0 <= recipe.bend < float("inf"), "0 or more"),
        "intensity": (0 <= recipe.intensity <= 1, "0 to 1"),
        "contrast": (0 <= recipe.contrast <= 1, "0 to 1"),
        "noise": (0 <= recipe.noise <= 1, "0 to 1"),
        "dropout": (0 <= recipe.dropout < 1, "at least 0 and below 1"),
        "validation_share": (0 <= recipe.validation_share < 1, "at least 0 and below 1"),
        "dense": (recipe.dense >= 0, "0 or more"),
        "seed": (0 <= recipe.seed < 2**31, "0 to 2147483647"),
        "filters": _filters_fit(recipe),
        "zero_mean_stem": (
            not recipe.zero_mean_stem or bool(recipe.filters),
            "False for a network without a convolution",
        ),
    }
    for name, (holds, range_) in wanted.items():
        if not holds:
            raise SettingError(f"{name} is {getattr(recipe, name)}; wanted {range_}")
    for name, known in (
        ("optimizer", OPTIMIZERS),
        ("schedule", SCHEDULES),
        ("augmentation", AUGMENTATIONS),
    ):
        if getattr(recipe, name) not in known:
            raise unknown(name, getattr(recipe, name), known)


def _filters_fit(recipe: Recipe) -> tuple[bool, str]:
    least, most = CONVOLUTIONS[recipe.network]
    fitting = least <= len(recipe.filters) <= most
    range_ = f"{least} to {most} counts of 1 or more"
    return fitting and all(each >= 1 for each in recipe.filters), range_


def from_dict(data: dict[str, Any]) -> Recipe:
    """Return the recipe that `Recipe.as_dict` wrote."""
    known = {field.name for field in fields(Recipe)}
    taken = {key: value for key, value in data.items() if key in known}
    taken |= {key: tuple(taken[key]) for key in ("filters", "teachers") if key in taken}
    return Recipe(**taken)
