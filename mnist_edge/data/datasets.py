"""One door to every dataset: public ones by name, one's own by path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.data import classes, formats, public, sources
from mnist_edge.data.labelled import Dataset as Dataset
from mnist_edge.data.labelled import Split as Split
from mnist_edge.data.labelled import fit_for_use, make_split
from mnist_edge.data.splits import stratified_split
from mnist_edge.errors import DataError, unknown
from mnist_edge.preprocess import DIGIT_SHAPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Shape = tuple[int, int, int]

OWN_TEST_SHARE = 1 / 7  # held out of one's own data that has no test part: MNIST's own share
OWN_TEST_SEED = 0


def load(
    source: str | Path = "mnist",
    *,
    shape: tuple[int, int, int] = DIGIT_SHAPE,
    labelled: bool = True,
    say: Callable[[str], None] | None = None,
    bar: Any = None,
) -> Dataset:
    """Load a dataset.

    Args:
        source: `mnist` or `fashion-mnist`, which are found or fetched (`data.sources`); or a path:
            a folder of MNIST's four IDX files (plain or .gz), an .npz, or a folder of class
            folders of image files. An .npz has `images` [N,28,28], uint8 or float32 in 0..1, and
            `labels` [N], whole numbers or names; `test_images` and `test_labels` may be there
            too, and `label_names` [K], which says what each class is called, by index. A folder
            may have `train` and `test` within. Without a test part, a seventh is held out, by
            class where there are labels.
        shape: height, width and channels of an image; an .npz has them, the pictures of class
            folders are brought to them.
        labelled: refuse images without labels.
        say: takes a line on what is going on while a dataset is fetched.
        bar: a progress bar as pooch takes one.

    Raises:
        DataError: nothing there, or something that is not a dataset.
        SettingError: a name that is no dataset's, and no path either.
    """
    name = str(source)
    if name in public.PUBLIC:
        known = public.PUBLIC[name]
        files = sources.fetch(known, say or _silent, bar)
        return _from_idx(files, known.name, known.labels, shape)
    if not name.strip():
        raise DataError("no dataset named; wanted mnist, fashion-mnist or a path")
    path = Path(source)
    if path.is_dir():
        return _from_folder(path if path.name else path.resolve(), shape)
    if path.is_file():
        return _from_npz(path, shape, labelled)
    if "/" in name or path.suffix:
        raise DataError(f"no dataset at {path}; wanted an .npz or a folder: check the path")
    raise unknown("dataset", name, [*public.PUBLIC, "or a path"])


def _silent(_line: str) -> None:
    return None


def _from_folder(path: Path, shape: Shape) -> Dataset:
    files = formats.read_idx_files(path)
    if not files:
        return _from_class_folders(path, shape)
    known = _public(files, path)
    if known is not None:
        return _from_idx(files, known.name, known.labels, shape)
    absent = sorted(set(public.IDX_FILES) - set(files))
    if absent:
        raise DataError(f"{path} lacks {', '.join(absent)}; wanted MNIST's four IDX files")
    return _from_idx(files, _own_name(path.name), None, shape)


def _public(files: dict[str, bytes], path: Path) -> public.PublicDataset | None:
    """Return the public dataset that `files` are; None if they are one's own.

    Raises:
        DataError: some are a public dataset's, and another is not what it should be.
    """
    for known in public.PUBLIC.values():
        wrong = sources.mismatch(known, files)
        if wrong is None:
            return known
        if sources.shares_a_file(known, files):
            raise DataError(f"{path} is {known.name}, but {wrong}: fetch it anew")
    return None


def _own_name(name: str) -> str:
    """Return a name for one's own data that no public dataset has."""
    return f"{name} (own)" if name in public.PUBLIC else name


def _from_idx(
    files: dict[str, bytes], name: str, labels: tuple[str, ...] | None, shape: Shape
) -> Dataset:
    order = (public.TRAIN_IMAGES, public.TRAIN_LABELS, public.TEST_IMAGES, public.TEST_LABELS)
    x_train, y_train, x_test, y_test = (
        formats.parse_idx(files[file], 3 if "images" in file else 1, file) for file in order
    )
    return _assemble(name, (x_train, y_train), (x_test, y_test), shape, labels)


def _from_npz(path: Path, shape: Shape, labelled: bool) -> Dataset:
    arrays = formats.read_npz(path)
    if set(formats.KERAS_KEYS) <= set(arrays):
        x_train, y_train, x_test, y_test = (arrays[key] for key in formats.KERAS_KEYS)
        known = _public(sources.files_of_npz(path), path)
        name, labels = (_own_name(path.stem), None) if known is None else (known.name, known.labels)
        return _assemble(name, (x_train, y_train), (x_test, y_test), shape, labels)
    tested = "test_images" in arrays or "test_labels" in arrays
    labelled = labelled or "labels" in arrays or "test_labels" in arrays
    keys = [("images", True), ("labels", labelled)]
    keys += [("test_images", tested), ("test_labels", tested and labelled)]
    absent = [key for key, wanted in keys if wanted and key not in arrays]
    if absent:
        sides = ",".join(map(str, shape[:2] if shape[2] == 1 else shape))
        raise DataError(
            f"{path} has {', '.join(sorted(arrays)) or 'nothing'} but no {' or '.join(absent)}; "
            f"wanted images uint8 [N,{sides}] and labels [N]"
        )
    name = _own_name(path.stem)
    train = arrays["images"], arrays.get("labels")
    test = (arrays["test_images"], arrays.get("test_labels")) if tested else None
    named = arrays.get("label_names")
    names = None if named is None else classes.stated_names(named, name)
    return _assemble(name, train, test, shape, names)


def _from_class_folders(path: Path, shape: Shape) -> Dataset:
    name = _own_name(path.name)
    if not ((path / "train").is_dir() and (path / "test").is_dir()):
        return _assemble(name, formats.read_class_folders(path, shape), None, shape)
    train, test = (formats.read_class_folders(path / part, shape) for part in ("train", "test"))
    return _assemble(name, train, test, shape)


def _assemble(
    name: str,
    train: tuple[NDArray[Any], NDArray[Any] | None],
    test: tuple[NDArray[Any], NDArray[Any] | None] | None,
    shape: Shape,
    labels: tuple[str, ...] | None = None,
) -> Dataset:
    """Return a checked dataset of images and labels, or of images alone."""
    if train[1] is None:
        labels = labels or ()
    elif labels is None:
        labels = classes.names_among(train[1], name)
    if test is not None and train[1] is not None and test[1] is not None:
        kinds = {part.dtype.kind == "U" for part in (train[1], test[1])}
        if len(kinds) > 1:
            raise DataError(f"{name}: labels are names in one part and numbers in the other")
    images, truth, left_out = fit_for_use(*train, name)
    first = _split((images, truth), labels, f"{name} (training)", name, shape)
    if test is not None:
        judged = _split(test, labels, f"{name} (test)", name, shape)
        return Dataset(name, first, judged, labels, left_out=left_out)
    kept, held = stratified_split(first.strata, OWN_TEST_SHARE, OWN_TEST_SEED)
    if not len(held):
        raise DataError(
            f"{name} has too few images to hold out a test part; wanted 2 or more a class"
        )
    came = np.concatenate([kept, held])
    return Dataset(name, first.part(kept), first.part(held), labels, True, left_out, came)


def _split(
    part: tuple[NDArray[Any], NDArray[Any] | None],
    labels: tuple[str, ...],
    part_name: str,
    name: str,
    shape: Shape,
) -> Split:
    images, truth = part
    if truth is not None and truth.dtype.kind == "U":
        truth = classes.places(truth, labels, name)
    return make_split(images, truth, len(labels), part_name, shape)
