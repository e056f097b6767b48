"""The programs of tools/examples do what they say, each run on real input."""

from __future__ import annotations

import configparser
import http.client
import importlib.util
import io
import json
import os
import queue
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mnist_edge import Classifier, InputError
from mnist_edge.classifier import SHIPPED

EXAMPLES = Path(__file__).parent.parent / "tools" / "examples"
PATIENCE = 60  # seconds; nothing here takes as long, so whatever does is stuck


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def own_limit_of_pixels(monkeypatch):
    """Some examples set it for their process."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


@pytest.fixture(scope="module")
def golden():
    """The first image of each digit, by its label."""
    with np.load(SHIPPED / "golden.npz") as archive:
        images, labels = archive["images"], archive["labels"]
    return {str(label): image for label, image in zip(labels[::-1], images[::-1], strict=True)}


@pytest.fixture(scope="module")
def classifier():
    with Classifier.open() as opened:
        yield opened


@contextmanager
def started(*arguments, **options):
    """Start a program; end it, whatever happens."""
    command = [sys.executable, *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    ) as process:
        guard = threading.Timer(PATIENCE, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()


def terminate(process):
    """Send SIGTERM; return the exit code and what was still printed."""
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, out, errors


def sheet(image, size=240):
    """A digit drawn dark on bright paper, as a camera sees it; uint8 [size,size]."""
    return cv2.resize(255 - image // 8 * 7, (size, size), interpolation=cv2.INTER_CUBIC)


def film(path, parts, *, close=False):
    """Write a film of (sheet, frames) parts: the sheet on a table that is no paper, or close."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (640, 480))
    for part, count in parts:
        frame = np.full((480, 640, 3), (40, 90, 140), np.uint8)
        frame[::17, :, 1] = 0
        frame[100:340, 200:440] = part[..., None]
        if close:
            frame = cv2.cvtColor(cv2.resize(part, (640, 480)), cv2.COLOR_GRAY2BGR)
        for _frame in range(count):
            writer.write(frame)
    writer.release()
    return path


BLANK = np.full((240, 240), 230, np.uint8)
ROI = ("--roi", "200,100,240,240")


# camera.py


def test_the_camera_says_each_change_and_no_flicker(tmp_path, golden):
    seven, two, one = (sheet(golden[label]) for label in "721")
    parts = [(BLANK, 6), (seven, 8), (two, 2), (seven, 8), (two, 6), (BLANK, 6), (one, 5)]
    path = film(tmp_path / "film.avi", parts)
    with started(EXAMPLES / "camera.py", path, *ROI) as process:
        out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert out.split() == ["7", "2", "-", "1"]


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("absent.avi",), "error: no camera or film at 'absent.avi': check the number or the path"),
        (("{film}", "--roi", "620,0,200,200"), "the region leaves (200, 20) of a frame"),
    ],
)
def test_the_camera_says_what_is_wrong_in_a_line(tmp_path, arguments, wrong):
    path = film(tmp_path / "film.avi", [(BLANK, 1)])
    words = [word.format(film=path) for word in arguments]
    with started(EXAMPLES / "camera.py", *words) as process:
        out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert out == ""
    assert wrong in errors.splitlines()[-1]


def test_the_camera_is_let_go_when_the_loop_is_left_early(tmp_path):
    path = film(tmp_path / "film.avi", [(BLANK, 5)])
    parts = load("camera").frames(str(path), (...,))

    def is_open():
        return any(os.path.realpath(link) == str(path) for link in Path("/proc/self/fd").iterdir())

    assert next(parts).shape == (480, 640)
    assert is_open()
    parts.close()
    assert not is_open()
    with pytest.raises(InputError) as caught:
        next(load("camera").frames(str(path), (slice(0, 5),)))
    assert caught.tb is not None  # which holds what the loop had: nothing is let go by chance
    assert not is_open()


@pytest.mark.parametrize(
    ("labels", "steady", "wanted"),
    [
        ("77722", 3, ["7"]),
        ("7727722", 2, ["7", "2"]),
        ("7-7-7-7", 2, []),
        ("777---7", 3, ["7", None]),
        ("712", 1, ["7", "1", "2"]),
        ("---", 1, []),
    ],
)
def test_a_change_counts_once_it_is_steady(labels, steady, wanted):
    seen = (None if label == "-" else label for label in labels)
    assert list(load("camera").changes(seen, steady)) == wanted


def test_a_digit_that_cannot_be_made_out_is_none(classifier, golden):
    seen = load("camera").seen
    assert seen(classifier, sheet(golden["7"])) == "7"
    with Classifier.open(reject_below=1) as never:  # 255 of 256 is the most that int8 says
        assert seen(never, sheet(golden["7"])) is None
    assert seen(classifier, BLANK) is None
    shaded = np.tile(np.linspace(60, 220, 240), (240, 1)).astype(np.uint8)
    assert seen(classifier, shaded) is None


# web_service.py


def png(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


@contextmanager
def serving():
    with started(EXAMPLES / "web_service.py", "--port", "0") as process:
        line = process.stdout.readline().strip()
        assert line.startswith("http://127.0.0.1:"), process.stderr.read()
        yield process, line.removeprefix("http://")


def ask(address, method, path, body=None, kind="image/png"):
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    connection.request(method, path, body, {"Content-Type": kind})
    response = connection.getresponse()
    document = json.loads(response.read())
    connection.close()
    return response.status, document


def test_the_web_service_answers_many_at_once_and_ends_when_told(golden):
    with serving() as (process, address):
        assert ask(address, "GET", "/health") == (
            200,
            {"model": "edge-int8.tflite", "runtime": "litert"},
        )

        def classify(task):
            label, place = task
            if place % 2:
                return ask(address, "POST", "/", png(sheet(golden[label])))
            raw = golden[label].tobytes()
            return ask(address, "POST", "/", raw, "application/octet-stream")

        tasks = [(label, place) for label in golden for place in range(8)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(classify, tasks))
        assert [status for status, _document in answers] == [200] * len(tasks)
        assert [document["label"] for _status, document in answers] == [task[0] for task in tasks]
        assert set(answers[0][1]) == {"label", "confidence", "steps"}
        assert answers[1][1]["steps"][0] == "turned dark-on-bright into bright-on-dark"
        assert terminate(process)[:2] == (0, "")


def test_the_web_service_refuses_what_it_cannot_take_and_goes_on(golden):
    raw = "application/octet-stream"
    with serving() as (process, address):
        for body, kind, wrong in [
            (b"no picture", "image/png", "the picture is not an image that Pillow can read"),
            (b"", "image/png", "the picture is not an image that Pillow can read"),
            (png(sheet(golden["1"]))[:-200], "image/png", "the picture is a damaged image"),
            (png(BLANK), "image/png", "the picture is blank"),
            (png(np.zeros((5000, 5000), np.uint8)), "image/png", "is not an image that Pillow"),
            (bytes(783), raw, "783 bytes of application/octet-stream; wanted 784"),
        ]:
            status, document = ask(address, "POST", "/", body, kind)
            assert status == 400
            assert wrong in document["error"]
            assert "\n" not in document["error"]
        assert ask(address, "GET", "/")[0] == 404
        for announced, status in [("8000001", 413), ("-1", 411), ("many", 411), (None, 411)]:
            connection = http.client.HTTPConnection(address, timeout=PATIENCE)
            connection.putrequest("POST", "/")
            if announced:
                connection.putheader("Content-Length", announced)
            connection.endheaders()
            response = connection.getresponse()
            assert response.status == status
            assert "wanted" in json.loads(response.read())["error"]
            connection.close()
        assert ask(address, "POST", "/", golden["5"].tobytes(), raw)[1]["label"] == "5"
        code, _out, errors = terminate(process)
    assert code == 0
    assert "Traceback" not in errors


def test_the_web_service_answers_what_it_has_begun_before_it_ends(golden):
    body = golden["3"].tobytes()
    with serving() as (process, address):
        connection = http.client.HTTPConnection(address, timeout=PATIENCE)
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("Content-Type", "application/octet-stream")
        connection.endheaders(body[:300])
        assert ask(address, "GET", "/health")[0] == 200  # so the one before was accepted
        process.send_signal(signal.SIGTERM)
        host, port = address.split(":")
        while True:
            try:
                socket.create_connection((host, int(port)), timeout=PATIENCE).close()
            except OSError:  # the door is closed
                break
        connection.send(body[300:])
        assert json.loads(connection.getresponse().read())["label"] == "3"
        connection.close()
        assert process.wait(PATIENCE) == 0


def test_the_answer_needs_no_server(golden):
    answer = load("web_service").answer
    with Classifier.open() as opened:
        status, document = answer(opened, "image/png", png(sheet(golden["9"])))
        assert (status, document["label"]) == (200, "9")
    status, document = answer(opened, "image/png", png(sheet(golden["9"])))
    assert status == 500
    assert "was closed" in document["error"]


# button.py

FINGER = """
import sys, threading
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

sys.path.insert(0, sys.argv[1])
import button

def press():
    for line in sys.stdin:
        pin = Device.pin_factory.pin(17)
        pin.drive_low()
        pin.drive_high()

Device.pin_factory = MockFactory()
threading.Thread(target=press, daemon=True).start()
button.main(sys.argv[2])
"""


def test_a_press_of_the_button_classifies_what_the_camera_sees_then(tmp_path, golden):
    parts = [(BLANK, 4), (sheet(golden["4"]), 5), (sheet(golden["6"]), 1), (BLANK, 5)]
    path = film(tmp_path / "film.avi", parts, close=True)
    with started("-c", FINGER, EXAMPLES, path, stdin=subprocess.PIPE) as process:
        assert process.stdout.readline() == "press the button\n", process.stderr.read()
        said = []
        for _press in range(4):
            process.stdin.write("\n")
            process.stdin.flush()
            said.append(process.stdout.readline().strip())
        code, _out, errors = terminate(process)
    assert code == 0, errors
    assert said[0].startswith("Prediction(label='4'")
    assert said[1].startswith("Prediction(label='6'")
    assert said[2:] == [
        "the picture is blank: nothing is drawn on it",
        "the camera gives no picture: check its cable",
    ]


def test_what_is_doubtful_is_not_answered(classifier):
    said = []
    table = np.tile(np.linspace(60, 220, 240), (240, 1)).astype(np.uint8)
    reader = load("button").DigitReader(classifier, lambda: table, said.append)
    reader.press()
    reader.close()
    assert [type(found) for found in said] == [InputError]
    assert "NOT SURE" in str(said[0])


def test_a_press_returns_at_once_and_a_third_one_meanwhile_is_dropped(classifier, golden):
    begun, shutter, said = threading.Semaphore(0), threading.Semaphore(0), []

    def capture():
        begun.release()
        assert shutter.acquire(timeout=PATIENCE)
        return sheet(golden["8"])

    reader = load("button").DigitReader(classifier, capture, said.append)
    reader.press()
    assert begun.acquire(timeout=PATIENCE)
    for _press in range(5):  # all of them while the first picture is not taken yet
        reader.press()
    assert said == []
    shutter.release(10)
    reader.close()
    assert [found.label for found in said] == ["8", "8"]


# folder_service.py and mnist-edge-folder.service


@contextmanager
def watching(folder):
    """Run the service with a socket in systemd's place; yield it and a queue of what it tells."""
    told = queue.Queue()

    def listen(channel):
        while message := channel.recv(100):
            told.put(message)

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(b"")  # the kernel gives it an abstract name
        name = manager.getsockname()
        listener = threading.Thread(target=listen, args=(manager,))
        listener.start()
        command = (EXAMPLES / "folder_service.py", folder, "--every", "0.05")
        environment = {**os.environ, "NOTIFY_SOCKET": "@" + name[1:].decode()}
        try:
            with started(*command, env=environment) as process:
                assert told.get(timeout=PATIENCE) == b"READY=1"
                yield process, told
        finally:
            manager.sendto(b"", name)
            listener.join()


def drop(folder, name, content):
    """Put a file into the inbox as a whole."""
    (folder / name).write_bytes(content)
    (folder / name).rename(folder / "inbox" / name)


def held(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.glob("*/*"))


def test_the_folder_service_answers_what_is_dropped_and_survives_what_is_bad(tmp_path, golden):
    with watching(tmp_path) as (process, told):
        (tmp_path / "inbox" / ".hidden.png").write_bytes(png(sheet(golden["1"])))
        (tmp_path / "inbox" / "link.png").symlink_to(tmp_path / "inbox" / ".hidden.png")
        odd = os.fsdecode(b"odd \xff\n.png")
        for name, content in [
            ("seven.png", png(sheet(golden["7"]))),
            ("not.png", b"no picture"),
            ("cut.png", png(sheet(golden["1"]))[:-200]),
            ("blank.png", png(BLANK)),
            (odd, png(golden["2"])),
        ]:
            drop(tmp_path, name, content)
        said = [json.loads(process.stdout.readline()) for _picture in range(5)]
        said = {document.pop("picture"): document for document in said}
        assert said["seven.png"]["label"] == "7"
        assert said[odd]["label"] == "2"
        for name, wrong in [("not", "not an image"), ("cut", "damaged"), ("blank", "is blank")]:
            assert wrong in said[f"{name}.png"]["error"]
        code, _out, errors = terminate(process)
        assert code == 0, errors
    messages = list(told.queue)
    assert set(messages[:-1]) == {b"WATCHDOG=1"}
    assert messages[-1] == b"STOPPING=1"
    answers = ["done/odd \udcff\n.png", "done/seven.png"]
    refused = ["failed/blank.png", "failed/cut.png", "failed/not.png"]
    answers += [f"{name}.json" for name in answers]
    refused += [f"{name}.json" for name in refused]
    waiting = ["inbox/.hidden.png", "inbox/link.png"]
    assert held(tmp_path) == sorted(answers + refused + waiting)
    for name, document in said.items():
        end = "done" if "label" in document else "failed"
        assert json.loads((tmp_path / end / f"{name}.json").read_text()) == document


def test_a_picture_is_taken_once_it_has_stopped_growing(tmp_path):
    service = load("folder_service")
    path = tmp_path / "growing.png"
    path.write_bytes(b"a part")
    first = service.look(tmp_path)
    assert service.settled({}, first) == []
    with path.open("ab") as file:
        file.write(b" and more")
    second = service.look(tmp_path)
    assert service.settled(first, second) == []
    assert service.settled(second, service.look(tmp_path)) == [path]


def test_a_picture_that_memory_does_not_hold_ends_among_the_failed(tmp_path, golden):
    with watching(tmp_path) as (process, _told):
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + 30_000_000
        resource.prlimit(process.pid, resource.RLIMIT_AS, (most, most))
        drop(tmp_path, "huge.png", png(np.zeros((3500, 3500, 3), np.uint8), compress_level=1))
        said = json.loads(process.stdout.readline())
        assert said["picture"] == "huge.png"
        assert "label" not in said
        drop(tmp_path, "five.png", png(sheet(golden["5"])))
        assert json.loads(process.stdout.readline())["picture"] == "five.png"
        assert terminate(process)[0] == 0
    files = ["done/five.png", "done/five.png.json", "failed/huge.png", "failed/huge.png.json"]
    assert held(tmp_path) == files


def test_the_unit_is_one_that_systemd_takes_and_shuts_in(tmp_path):
    text = (EXAMPLES / "mnist-edge-folder.service").read_text()
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(text)
    python, script, _folder = unit["Service"]["ExecStart"].split()
    assert (EXAMPLES / Path(script).name).is_file()
    readme = (EXAMPLES / "README.md").read_text()
    assert all(name in readme for name in (str(Path(python).parent.parent), script))
    assert unit["Service"]["Type"] == "notify"
    assert int(unit["Service"]["WatchdogSec"]) > 2
    if shutil.which("systemd-analyze"):  # else what is above has to do
        mine = tmp_path / "mnist-edge-folder.service"
        mine.write_text(
            text.replace(python, sys.executable).replace(script, str(EXAMPLES / Path(script).name))
        )
        for question in (["verify"], ["security", "--offline=true", "--threshold=15"]):
            command = ["systemd-analyze", *question, str(mine)]
            found = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (found.returncode, found.stderr) == (0, ""), found.stdout


def test_the_readme_names_every_example_and_nothing_else():
    text = (EXAMPLES / "README.md").read_text()
    there = {path.name for path in EXAMPLES.iterdir()} - {"README.md", "__pycache__"}
    assert set(re.findall(r"`([\w.-]+?)/?`", "".join(re.findall("^## .*", text, re.M)))) == there
