from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_edge import atomic
from mnist_edge.atomic import check_place, explained, replacing_folder, write_file
from mnist_edge.errors import OutputError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def filled(folder, text="old"):
    folder.mkdir()
    (folder / "file").write_text(text)
    return folder


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)]
    mounted = shutil.which("mount") and not subprocess.run(mount, capture_output=True).returncode
    if not mounted:

        def full(_handle):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(atomic.os, "fsync", full)
    yield place
    if mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize(
    ("content", "wanted"), [(b"\x00\xff", b"\x00\xff"), ("µ\n", b"\xc2\xb5\n"), (b"", b"")]
)
def test_a_file_is_written_whole_with_its_folders(tmp_path, content, wanted):
    path = tmp_path / "a" / "b" / "file"
    write_file(path, content)
    assert path.read_bytes() == wanted
    assert names(path.parent) == ["file"]


def test_a_file_is_replaced_and_not_written_into(tmp_path):
    path = tmp_path / "file"
    path.write_text("a long old content")
    (tmp_path / "link").hardlink_to(path)
    write_file(path, "new")
    assert path.read_text() == "new"
    assert (tmp_path / "link").read_text() == "a long old content"
    assert names(tmp_path) == ["file", "link"]


def test_a_file_and_a_folder_get_the_permissions_that_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "file", "new")
        with replacing_folder(tmp_path / "folder"):
            pass
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.EIO, "broken disk")])
def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, step, error):
    path = tmp_path / "file"
    path.write_text("old")

    def fails(*_):
        raise error

    monkeypatch.setattr(atomic.os, step, fails)
    with pytest.raises(type(error)) as caught:
        write_file(path, "new")
    assert caught.value is error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_parent_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("old")
    for path in (tmp_path / "file" / "new", tmp_path / "file" / "deeper" / "new"):
        with pytest.raises(OutputError, match=r"^cannot write .*/new: .*choose another") as caught:
            write_file(path, "new")
        assert "\n" not in str(caught.value)
        with pytest.raises(OutputError, match=r"^cannot write"), replacing_folder(path):
            pytest.fail("there is no folder to fill")
    assert (tmp_path / "file").read_text() == "old"


def test_a_file_does_not_take_a_folders_place(tmp_path):
    filled(tmp_path / "folder")
    with pytest.raises(OutputError, match="cannot write"):
        write_file(tmp_path / "folder", "new")
    assert names(tmp_path) == ["folder"]
    assert names(tmp_path / "folder") == ["file"]


def test_a_folder_does_not_take_a_files_place(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(OutputError, match="cannot write"), replacing_folder(tmp_path / "file"):
        pass
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_a_full_disk_is_one_line_and_leaves_the_old_file(small_disk):
    path = small_disk / "file"
    path.write_text("old")
    with pytest.raises(OutputError, match="No space left on device; free some space") as caught:
        write_file(path, bytes(1_000_000))
    assert "\n" not in str(caught.value)
    assert path.read_text() == "old"
    assert names(small_disk) == ["file"]


def test_a_full_disk_leaves_the_old_folder(small_disk):
    folder = filled(small_disk / "folder")
    with (
        pytest.raises(OutputError, match="No space left on device"),
        replacing_folder(folder) as fresh,
    ):
        write_file(fresh / "file", bytes(1_000_000))
    assert (folder / "file").read_text() == "old"
    assert names(small_disk) == ["folder"]


def test_a_new_folder_is_there_only_when_the_block_ends(tmp_path):
    folder = tmp_path / "deep" / "folder"
    with replacing_folder(folder) as fresh:
        assert names(fresh) == []
        assert fresh.parent == folder.parent
        (fresh / "file").write_text("new")
        assert not folder.exists()
    assert (folder / "file").read_text() == "new"
    assert names(folder.parent) == ["folder"]


def test_an_existing_folder_is_replaced_and_not_added_to(tmp_path):
    folder = filled(tmp_path / "folder")
    with replacing_folder(folder) as fresh:
        (fresh / "other").write_text("new")
        assert (folder / "file").read_text() == "old"
    assert names(folder) == ["other"]
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("error", [ValueError("wrong"), KeyboardInterrupt()])
@pytest.mark.parametrize("existed", [True, False])
def test_an_exception_in_the_block_leaves_all_as_it_was(tmp_path, error, existed):
    folder = tmp_path / "folder"
    if existed:
        filled(folder)

    def fail():
        with replacing_folder(folder) as fresh:
            (fresh / "half").write_text("new")
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert names(tmp_path) == (["folder"] if existed else [])
    if existed:
        assert names(folder) == ["file"]


def test_a_folder_lost_between_the_renames_is_put_back_first(tmp_path):
    filled(tmp_path / ".folder.old")
    with replacing_folder(tmp_path / "folder") as fresh:
        assert (tmp_path / "folder" / "file").read_text() == "old"
        (fresh / "file").write_text("new")
    assert (tmp_path / "folder" / "file").read_text() == "new"
    assert names(tmp_path) == ["folder"]


def test_a_folder_lost_between_the_renames_is_back_though_the_block_fails(tmp_path):
    filled(tmp_path / ".folder.old")

    def fail():
        with replacing_folder(tmp_path / "folder"):
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert names(tmp_path) == ["folder"]
    assert (tmp_path / "folder" / "file").read_text() == "old"


def test_a_former_folder_left_beside_a_whole_one_is_removed(tmp_path):
    filled(tmp_path / ".folder.old", "older")
    filled(tmp_path / "folder")
    with pytest.raises(KeyboardInterrupt), replacing_folder(tmp_path / "folder"):
        raise KeyboardInterrupt
    assert (tmp_path / "folder" / "file").read_text() == "old"
    assert names(tmp_path) == ["folder"]


def test_a_link_to_a_folder_stays_a_link_each_time(tmp_path):
    filled(tmp_path / "folder")
    (tmp_path / "link").symlink_to("folder")
    for text in ("new", "newer"):
        with replacing_folder(tmp_path / "link") as fresh:
            (fresh / "file").write_text(text)
        assert (tmp_path / "folder" / "file").read_text() == text
        assert (tmp_path / "link").is_symlink()
        assert names(tmp_path) == ["folder", "link"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.ENAMETOOLONG])
def test_an_error_of_the_place_is_explained(tmp_path, number):
    with pytest.raises(OutputError, match=os.strerror(number)), explained(tmp_path):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "gone"), OSError("no number")])
def test_an_error_that_is_not_the_places_is_handed_on(tmp_path, error):
    with pytest.raises(OSError, match=r"gone|no number") as caught, explained(tmp_path):
        raise error
    assert caught.value is error


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges folders in one step")
def test_there_is_no_moment_without_the_folder(tmp_path, monkeypatch):
    folder = filled(tmp_path / "folder")

    def gap(self, target):
        raise AssertionError(f"{self} was moved away before {target} was there")

    monkeypatch.setattr(Path, "rename", gap)
    with replacing_folder(folder) as fresh:
        (fresh / "file").write_text("new")
    assert (folder / "file").read_text() == "new"
    assert names(tmp_path) == ["folder"]


def test_where_folders_cannot_be_exchanged_two_renames_do(tmp_path, monkeypatch):
    folder = filled(tmp_path / "folder")
    monkeypatch.setattr(atomic, "_exchange", lambda _one, _other: False)
    with replacing_folder(folder) as fresh:
        (fresh / "file").write_text("new")
    assert (folder / "file").read_text() == "new"
    assert names(tmp_path) == ["folder"]


def test_what_a_killed_process_left_is_removed_and_a_living_ones_is_not(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    filled(tmp_path / f".folder.new-{ended.pid}-00ff")
    filled(tmp_path / f".folder.new-{os.getpid()}-00ff")
    filled(tmp_path / f".other.new-{ended.pid}-00ff")
    with replacing_folder(tmp_path / "folder"):
        pass
    left = {f".folder.new-{os.getpid()}-00ff", f".other.new-{ended.pid}-00ff", "folder"}
    assert set(names(tmp_path)) == left


def test_a_link_stays_one_and_what_it_leads_to_is_written(tmp_path):
    target, link = tmp_path / "there" / "file", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    for text in ("new", "newer"):
        write_file(link, text)
        assert link.is_symlink()
        assert target.read_text() == text
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_what_is_no_file_is_written_into_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_file(pipe, "hello")
    assert os.read(reader, 100) == b"hello"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with pytest.raises(OutputError, match="No space left"):
        write_file(Path("/dev/full"), "hello")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_place_is_looked_at_before_it_is_needed(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for fine in ("file", "new", "new/deeper/still"):
        check_place(tmp_path / fine)
    check_place(Path("/dev/null"))
    with pytest.raises(OutputError, match="Is a directory"):
        check_place(tmp_path)
    with pytest.raises(OutputError, match="Not a directory"):
        check_place(tmp_path / "file" / "below")
    monkeypatch.setattr(os, "access", lambda path, _mode: path != tmp_path)
    with pytest.raises(OutputError, match="Permission denied"):
        check_place(tmp_path / "new" / "deeper")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
