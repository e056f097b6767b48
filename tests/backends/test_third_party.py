"""A runtime of somebody else: tools/examples/opencv_runtime, with numpy and OpenCV alone."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "tools" / "examples" / "opencv_runtime"
ARTIFACTS = ROOT / "artifacts" / "edge"
ON_GOLDEN = """
import json, numpy, sys
from mnist_edge import Classifier, runtimes
from mnist_edge.bundle import read_bundle
from mnist_edge.classifier import SHIPPED
from mnist_edge.verify import verify
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The Python of an environment with numpy, OpenCV and the two wheels."""
    python = ROOT / ".venv-bare" / "opencv" / "bin" / "python"
    assert python.exists(), "run the tests by `make test`, which makes this environment"
    out = tmp_path_factory.mktemp("wheels")
    for folder in (ROOT, PACKAGE):
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    install += ["--no-index", "--no-deps", "--force-reinstall", *map(str, out.glob("*.whl"))]
    subprocess.run(install, check=True, capture_output=True)
    return python


def ask(bare, code, *arguments):
    """Run code there; return the JSON document that it prints."""
    ended = subprocess.run(
        [str(bare), "-W", "error", "-c", ON_GOLDEN + code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT.parent,  # not where the packages would be found by accident
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_it_is_listed_without_being_loaded(bare):
    code = "print(json.dumps([runtimes(), runtimes(('tflite',)), 'cv2' in sys.modules]))"
    assert ask(bare, code) == [["opencv-dnn"], [], False]


NAMED = """
golden = numpy.load(SHIPPED / "golden.npz")
with Classifier.open(runtime="opencv-dnn") as classifier:
    labels = [classifier.predict(image).label for image in golden["images"]]
    apart = numpy.abs(classifier.probabilities(golden["images"]) - golden["edge-float32.onnx"])
    print(json.dumps([
        labels == [str(label) for label in golden["labels"]], float(apart.max()),
        classifier.path.name, classifier.backend.runtime, bool(verify(read_bundle(SHIPPED))),
        [(found.file, found.runtime, found.holds) for found in verify(read_bundle(SHIPPED))],
    ]))
"""


def test_it_answers_the_golden_samples_and_verify_holds(bare):
    right, apart, *rest = ask(bare, NAMED)
    assert right
    assert apart < 1e-5
    assert rest[:2] == ["edge-float32.onnx", "opencv-dnn"]
    assert ["edge-float32.onnx", "opencv-dnn", True] in rest[-1]
    assert all(holds for _file, _runtime, holds in rest[-1])


ALONE = """
golden = numpy.load(SHIPPED / "golden.npz")
with Classifier.open() as classifier:
    labels = [classifier.predict(image).label for image in golden["images"]]
    right = labels == [str(label) for label in golden["labels"]]
    print(json.dumps([right, classifier.backend.runtime]))
"""


def test_it_is_found_where_nothing_else_is_installed(bare):
    assert ask(bare, ALONE) == [True, "opencv-dnn"]


REFUSED = """
from mnist_edge import ModelError
from pathlib import Path
said = []
for path in sys.argv[1:]:
    try:
        Classifier.open(path, runtime="opencv-dnn")
    except ModelError as error:
        said.append(str(error))
print(json.dumps(said))
"""


def test_it_refuses_what_it_cannot_run_in_one_line_at_opening(bare, tmp_path):
    (tmp_path / "cut.onnx").write_bytes((ARTIFACTS / "edge-float32.onnx").read_bytes()[:9000])
    (tmp_path / "none.onnx").write_bytes(b"")
    models = [ARTIFACTS / "edge-int8.onnx", tmp_path / "cut.onnx", tmp_path / "none.onnx"]
    model = onnx.load(ARTIFACTS / "edge-float32.onnx")
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    onnx.save(model, tmp_path / "double.onnx")
    models += [tmp_path / "double.onnx", ARTIFACTS / "edge-float32.tflite"]
    quantized, cut, empty, double, other = ask(bare, REFUSED, *models)
    assert quantized == f"{models[0]} is quantized; OpenCV runs float32 ONNX: choose that"
    assert cut.startswith(f"{models[1]} is damaged: ")
    assert empty.startswith(f"{models[2]} is damaged: it has no graph")
    assert double == f"{models[3]} has an edge that is not float32; OpenCV runs float32 ONNX"
    assert other.startswith("opencv-dnn does not open .tflite files; wanted one of ")
    assert not any("\n" in line for line in (quantized, cut, empty, double, other))


OPENED = """
from mnist_edge import open_backend
import threading
images = numpy.random.default_rng(0).integers(0, 256, (37, 28, 28)).astype(numpy.uint8)
with open_backend(sys.argv[1], "opencv-dnn") as backend:
    many = backend.infer(images)
    first = backend.invoke(backend.encode(images[0]))
    kept = first.copy()
    single, wrong = [backend.infer(image)[0] for image in images], []
    def work(start):
        for place in range(start, 37, 4):
            if not numpy.array_equal(backend.infer(images[place])[0], single[place]):
                wrong.append(place)
    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    print(json.dumps([
        backend.input.as_dict(), backend.output.as_dict(), backend.max_batch,
        float(numpy.abs(many - single).max()), bool((first == kept).all()), wrong,
    ]))
"""


def test_it_keeps_what_the_base_promises(bare, tmp_path):
    """Batches, single images and threads agree; the tensors are those of the file."""
    taken, given, most, apart, owned, wrong = ask(bare, OPENED, ARTIFACTS / "edge-float32.onnx")
    entry = json.loads((ARTIFACTS / "manifest.json").read_text())["models"]
    (entry,) = [model for model in entry if model["file"] == "edge-float32.onnx"]
    assert (taken, given) == (entry["input"], entry["output"])
    assert most is None
    assert apart < 1e-5
    assert owned
    assert wrong == []


def test_a_model_of_one_image_at_a_time_is_batched_by_the_base(bare, tmp_path):
    model = onnx.load(ARTIFACTS / "edge-float32.onnx")
    for edge in (model.graph.input[0], model.graph.output[0]):
        edge.type.tensor_type.shape.dim[0].dim_value = 1
    for weight in model.graph.initializer:  # files of IR version 3 list them as inputs, too
        model.graph.input.append(
            onnx.helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims)
        )
    onnx.save(model, tmp_path / "one.onnx")
    _taken, _given, most, apart, _owned, _wrong = ask(bare, OPENED, tmp_path / "one.onnx")
    assert most == 1
    assert apart < 1e-5


BENCHED = """
from mnist_edge.bench.process import Companion
model, images, found = sys.argv[1:4]
job = {"do": "open", "model": model, "runtime": "opencv-dnn", "threads": 1}
with Companion("mnist_edge.bench.worker") as worker:
    opened = worker.ask(job, 60)
    worker.ask({"do": "answer", "images": images, "probabilities": found}, 60)
    worker.ask({"do": "prepare", "images": images, "batches": [2]}, 60)
    limits = {"seconds": 0.05, "least": 5, "patience": 0.1}
    turn = worker.ask({"do": "turn", "what": "invoke", **limits}, 60)
print(json.dumps([opened["runtime_version"], min(turn["times"])]))
"""


def test_it_is_benched_as_our_own_are(bare, tmp_path):
    with np.load(ARTIFACTS / "golden.npz") as golden:
        np.save(tmp_path / "images.npy", golden["images"])
        wanted = golden["edge-float32.onnx"]
    places = (ARTIFACTS / "edge-float32.onnx", tmp_path / "images.npy", tmp_path / "found.npy")
    version, fastest = ask(bare, BENCHED, *places)
    assert version == "0.1.0"
    assert fastest > 0
    assert np.abs(np.load(tmp_path / "found.npy") - wanted).max() < 1e-5
