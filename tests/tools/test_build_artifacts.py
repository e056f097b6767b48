from mnist_edge import reference
from mnist_edge.bundle import read_bundle
from mnist_edge.verify import verify
from tools.build_artifacts import ship


def test_the_shipped_part_leaves_keras_answers_behind(bundle, tmp_path):
    assert (bundle.folder / reference.FILE).exists()
    ship(bundle, tmp_path / "shipped")
    shipped = read_bundle(tmp_path / "shipped")
    assert reference.KEY not in shipped.manifest
    assert sorted(path.name for path in shipped.folder.iterdir()) == [
        "edge-float32.onnx",
        "edge-int8.tflite",
        "golden.npz",
        "manifest.json",
    ]
    assert all(verify(shipped))
