"""Writing so that a killed process leaves nothing half-written.

A file or a folder is made beside its place under another name and renamed when it is whole.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import contextmanager
from glob import escape
from secrets import token_hex
from typing import TYPE_CHECKING

from mnist_edge.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What the place written to can be blamed for; any other OSError is somebody else's.
PLACE_ERRORS = frozenset(
    getattr(errno, name)
    for name in (
        *("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EFBIG"),
        *("ENOTDIR", "EISDIR", "EEXIST", "ENAMETOOLONG"),
    )
    if hasattr(errno, name)
)


def write_file(path: Path, content: bytes | str) -> None:
    """Write `content` (text as UTF-8) to `path`: afterwards the old file is there, or the new.

    A link stays one: what it leads to is written. What is there and is no file, such as
    /dev/stdout or a pipe, is written into and not replaced.

    Raises:
        OutputError: the folder cannot be written to, or the disk is full.
    """
    data = content.encode() if isinstance(content, str) else content
    with explained(path):
        if path.exists() and not path.is_file():
            with path.open("wb") as there:
                there.write(data)
            return
        path = path.resolve() if path.is_symlink() else path
        path.parent.mkdir(parents=True, exist_ok=True)
        name = path.with_name(f".{path.name}.{token_hex(8)}")
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            name.unlink(missing_ok=True)
            raise


def check_place(path: Path) -> None:
    """Make sure, as far as can be told without writing, that `write_file` will take `path`.

    For those who work for minutes before they write.

    Raises:
        OutputError: it is a folder, or no folder above it can be written to.
    """
    with explained(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            return
        folder = next(each for each in path.absolute().parents if each.exists())
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Give an empty sibling of `folder` to fill; put it in `folder`'s place when the block ends.

    If the block raises, the sibling is removed and `folder` is as it was. Where the system can
    exchange two folders in one step (Linux), `folder` is whole at every moment; elsewhere a
    process killed between two renames leaves the former folder beside as `.NAME.old`, and the
    next call puts it back first. What a killed process left beside is removed by the next call.

    Raises:
        OutputError: the parent cannot be written to, or the disk is full.
    """
    folder = folder.resolve() if folder.is_symlink() or not folder.name else folder
    former = folder.with_name(f".{folder.name}.old")
    with explained(folder):
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        folder.parent.mkdir(parents=True, exist_ok=True)
        if former.exists():
            if folder.exists():
                shutil.rmtree(former)
            else:
                former.rename(folder)
        _remove_orphans(folder)
        fresh = folder.with_name(f"{_fresh_name(folder)}{os.getpid()}-{token_hex(8)}")
        fresh.mkdir()
        try:
            yield fresh
            if folder.exists() and _exchange(fresh, folder):
                shutil.rmtree(fresh, ignore_errors=True)
                return
            if folder.exists():
                folder.rename(former)
            fresh.rename(folder)
            shutil.rmtree(former, ignore_errors=True)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise


def _fresh_name(folder: Path) -> str:
    return f".{folder.name}.new-"


def _remove_orphans(folder: Path) -> None:
    """Remove what processes that are no more left when they were killed while writing `folder`."""
    for orphan in folder.parent.glob(f"{escape(_fresh_name(folder))}*-*"):
        owner = orphan.name.removeprefix(_fresh_name(folder)).partition("-")[0]
        if owner.isdigit() and not _runs(int(owner)):
            shutil.rmtree(orphan, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's, or no such number here
        return True
    return True


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False where the system cannot."""
    import ctypes  # 10 ms: only where something is written

    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE: <fcntl.h>, <linux/fs.h>
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):  # not Linux, or an old C library
        return False
    done: int = rename(here, os.fsencode(one), here, os.fsencode(other), exchange)
    return done == 0


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an OSError while writing to `path` into one line that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in PLACE_ERRORS:
            raise
        reason = error.strerror or str(error) or type(error).__name__
        raise OutputError(
            f"cannot write {path}: {reason}; free some space or choose another place"
        ) from error
