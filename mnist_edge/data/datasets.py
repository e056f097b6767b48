"""One door to every dataset: public ones by name, one's own by path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.data import formats, public, sources
from mnist_edge.data.formats import Split as Split
from mnist_edge.data.splits import stratified_split
from mnist_edge.errors import DataError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

OWN_TEST_SHARE = 1 / 7  # held out of one's own data that has no test part: MNIST's own share
OWN_TEST_SEED = 0


@dataclass(frozen=True)
class Dataset:
    """Images to learn from and images to be judged by.

    Attributes:
        name: as `--data` has it; for one's own, the file or folder name.
        train: every choice is made within it.
        test: read once, at the end.
        labels: what each class is called, by index.
    """

    name: str
    train: Split
    test: Split
    labels: tuple[str, ...]

    @cached_property
    def sha256(self) -> str:
        """Hash of all pixels and labels, training first: the same data has the same hash."""
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            digest.update(split.images.tobytes())
            digest.update(split.labels.tobytes())
        return digest.hexdigest()


def load(
    source: str | Path = "mnist", *, say: Callable[[str], None] | None = None, bar: Any = None
) -> Dataset:
    """Load a dataset.

    Args:
        source: `mnist` or `fashion-mnist`, which are found or fetched (`data.sources`); or a path:
            a folder of MNIST's four IDX files (plain or .gz), an .npz, or a folder of class
            folders of image files. An .npz has `images` uint8 [N,28,28] and `labels` [N], whole
            numbers or names; `test_images` and `test_labels` may be there too. A folder may have
            `train` and `test` within. Without a test part, a seventh is held out, by class.
        say: takes a line on what is going on while a dataset is fetched.
        bar: a progress bar as pooch takes one.

    Raises:
        DataError: nothing there, or something that is not a dataset.
        SettingError: a name that is no dataset's, and no path either.
    """
    name = str(source)
    if name in public.PUBLIC:
        known = public.PUBLIC[name]
        return _from_idx(sources.fetch(known, say or _silent, bar), known.name, known.labels)
    if not name.strip():
        raise DataError("no dataset named; wanted mnist, fashion-mnist or a path")
    path = Path(source)
    if path.is_dir():
        return _from_folder(path if path.name else path.resolve())
    if path.is_file():
        return _from_npz(path)
    if "/" in name or path.suffix:
        raise DataError(f"no dataset at {path}; wanted an .npz or a folder: check the path")
    raise unknown("dataset", name, [*public.PUBLIC, "or a path"])


def _silent(_line: str) -> None:
    return None


def _from_folder(path: Path) -> Dataset:
    files = formats.read_idx_files(path)
    if not files:
        return _from_class_folders(path)
    known = _public(files, path)
    if known is not None:
        return _from_idx(files, known.name, known.labels)
    absent = sorted(set(public.IDX_FILES) - set(files))
    if absent:
        raise DataError(f"{path} lacks {', '.join(absent)}; wanted MNIST's four IDX files")
    return _from_idx(files, _own_name(path.name), None)


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


def _from_idx(files: dict[str, bytes], name: str, labels: tuple[str, ...] | None) -> Dataset:
    names = (public.TRAIN_IMAGES, public.TRAIN_LABELS, public.TEST_IMAGES, public.TEST_LABELS)
    x_train, y_train, x_test, y_test = (
        formats.parse_idx(files[file], 3 if "images" in file else 1, file) for file in names
    )
    return _assemble(name, x_train, y_train, x_test, y_test, labels)


def _from_npz(path: Path) -> Dataset:
    arrays = formats.read_npz(path)
    if set(formats.KERAS_KEYS) <= set(arrays):
        x_train, y_train, x_test, y_test = (arrays[key] for key in formats.KERAS_KEYS)
        known = _public(sources.files_of_npz(path), path)
        if known is not None:
            return _assemble(known.name, x_train, y_train, x_test, y_test, known.labels)
        return _assemble(_own_name(path.stem), x_train, y_train, x_test, y_test)
    wanted = ["images", "labels"]
    if "test_images" in arrays or "test_labels" in arrays:
        wanted += ["test_images", "test_labels"]
    absent = [key for key in wanted if key not in arrays]
    if absent:
        raise DataError(
            f"{path} has {', '.join(sorted(arrays)) or 'nothing'} but no {' or '.join(absent)}; "
            "wanted images uint8 [N,28,28] and labels [N]"
        )
    return _assemble(
        _own_name(path.stem),
        arrays["images"],
        arrays["labels"],
        arrays.get("test_images"),
        arrays.get("test_labels"),
    )


def _from_class_folders(path: Path) -> Dataset:
    if not ((path / "train").is_dir() and (path / "test").is_dir()):
        images, labels = formats.read_class_folders(path)
        return _assemble(_own_name(path.name), images, labels, None, None)
    x_train, y_train = formats.read_class_folders(path / "train")
    x_test, y_test = formats.read_class_folders(path / "test")
    return _assemble(_own_name(path.name), x_train, y_train, x_test, y_test)


def _assemble(
    name: str,
    x_train: NDArray[Any],
    y_train: NDArray[Any],
    x_test: NDArray[Any] | None,
    y_test: NDArray[Any] | None,
    labels: tuple[str, ...] | None = None,
) -> Dataset:
    if labels is None:
        labels = _class_names(name, y_train)
    if y_train.dtype.kind == "U":
        y_train = _indices(name, y_train, labels)
        y_test = None if y_test is None else _indices(name, y_test, labels)
    train = formats.make_split(x_train, y_train, len(labels), f"{name} (training)")
    if x_test is not None and y_test is not None:
        return Dataset(
            name, train, formats.make_split(x_test, y_test, len(labels), f"{name} (test)"), labels
        )
    kept, held = stratified_split(train.labels, OWN_TEST_SHARE, OWN_TEST_SEED)
    if not len(held):
        raise DataError(
            f"{name} has too few images to hold out a test part; wanted 2 or more a class"
        )
    return Dataset(
        name,
        Split(train.images[kept], train.labels[kept]),
        Split(train.images[held], train.labels[held]),
        labels,
    )


def _class_names(name: str, labels: NDArray[Any]) -> tuple[str, ...]:
    if labels.ndim != 1 or not len(labels) or labels.dtype.kind not in "iuU":
        raise DataError(
            f"{name}: labels are {labels.dtype} {list(labels.shape)}; "
            "wanted whole numbers or names [N]"
        )
    named = labels.dtype.kind == "U"
    count = len(np.unique(labels)) if named else max(int(labels.max()) + 1, 0)
    if not 2 <= count <= 256:
        raise DataError(f"{name} has {count} classes; wanted 2 to 256")
    return tuple(str(label) for label in (np.unique(labels) if named else range(count)))


def _indices(name: str, labels: NDArray[Any], names: tuple[str, ...]) -> NDArray[np.int64]:
    strange = sorted(set(labels.ravel().tolist()) - set(names))
    if strange:
        raise DataError(f"{name}: label {strange[0]!r} is in the test part but not in training")
    return np.searchsorted(np.array(names), labels)
