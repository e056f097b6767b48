from mnist_edge.report.audit_picture import MOST_DB, audit_picture
from mnist_edge.report.audit_table import audit_lines, audit_table, cells, groups, in_order


def layer(name, **changed):
    return {
        "name": name,
        "snr_db": 40.25,
        "cosine": 0.99995,
        "max_error": 0.0123,
        "range_used": 0.93,
        "saturated": 0.001,
        "weights_snr_db": None,
        "added_db": 45.0,
        "share": 0.25,
        **changed,
    }


def model(file, layers, worst, **changed):
    return {
        "file": file,
        "format": file.rpartition(".")[2],
        "quantization": "int8",
        "images": 64,
        "layers": layers,
        "worst": worst,
        "explanation": f"{worst} adds most of the error",
        "integer_operators": 8,
        "float_operators": 1,
        "islands": [["conv2d_2", "re_lu"]],
        "inserted": 2,
        "findings": [
            {"name": "finite", "holds": True, "detail": "0 of 64"},
            {"name": "sums to 1", "holds": True, "detail": "but for 0.004"},
        ],
        **changed,
    }


TFLITE = model(
    "net-int8.tflite",
    [layer("image", snr_db=None), layer("conv2d", weights_snr_db=43.3), layer("answer", share=0.5)],
    "conv2d",
)
ONNX = model(
    "net-int8.onnx",
    [layer("image"), layer("own/Sigmoid"), layer("conv2d"), layer("answer", added_db=140.0)],
    "answer",
)


def drawn(models, width=80):
    return audit_table(models, width).plain.splitlines()


def test_what_an_audit_does_not_say_is_empty():
    bare = {key: layer("image")[key] for key in ("name", "cosine", "max_error", "share")}
    found = {**model("net-int8.tflite", [bare, layer("answer")], "answer")}
    del found["worst"]
    _head, _units, _rule, line, _last = drawn([found])
    assert line.split() == ["image", "tflite", "25.0", "0.99995", "0.012"]
    assert cells(layer("image", snr_db=None), worst=False)[1] == "exact"


def test_both_families_are_in_one_table_of_80_columns():
    lines = drawn([TFLITE, ONNX])
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    rows = [line.split() for line in lines[3:]]
    assert [row[0] for row in rows] == [
        "image", "onnx", "own/Sigmoid", "conv2d", "onnx", "answer", "onnx"
    ]  # fmt: skip
    assert rows[0][1:] == ["tflite", "25.0", "exact", "0.99995", "0.012", "93", "0.10"]
    assert rows[3] == [
        "conv2d",
        "tflite",
        "25.0*",
        "40.2",
        "0.99995",
        "0.012",
        "93",
        "0.10",
        "43.3",
    ]
    assert "25.0*" in lines[-1]


def test_a_long_name_is_cut_in_its_middle():
    name = "a_very_long_name_of_a_layer_that_is_not_over_yet_12"
    (line,) = [line for line in drawn([model("n.onnx", [layer(name)], name)]) if "onnx" in line]
    assert line.startswith("a_very…")
    assert line.split()[0].endswith("_yet_12")


def test_models_that_differ_in_format_alone_share_a_table():
    other = model("net-int8-entropy.onnx", [], None)
    assert {stem: len(each) for stem, each in groups([TFLITE, other, ONNX]).items()} == {
        "net-int8": 2,
        "net-int8-entropy": 1,
    }
    assert in_order([TFLITE, ONNX]) == ["image", "own/Sigmoid", "conv2d", "answer"]


def test_words_name_the_culprit_the_islands_and_what_is_broken():
    lines = audit_lines(TFLITE)
    assert lines[0] == "net-int8.tflite: conv2d adds most of the error"
    assert lines[1] == (
        "8 operators in integers, 1 in float (conv2d_2, re_lu), 2 conversions between"
    )
    assert lines[2] == "output over 64 images: finite, sums to 1"
    broken = {"name": "sums to 1", "holds": False, "detail": "but for 22"}
    assert audit_lines({**TFLITE, "findings": [broken]})[2:] == ["BROKEN: sums to 1: but for 22"]
    assert len(audit_lines({**TFLITE, "quantization": "float16"})) == 2


def test_the_picture_has_a_line_a_model_and_a_ring_around_its_worst_layer():
    figure = audit_picture({"bundle": "net", "models": [TFLITE, ONNX]})
    alone, deployed = figure.axes
    assert all("dB" in axes.get_ylabel() for axes in figure.axes)
    lines = {line.get_label(): line for line in alone.lines}
    assert {"net-int8.tflite", "net-int8.onnx"} <= set(lines)
    rings = [line.get_xdata()[0] for line in alone.lines if line.get_markersize() > 10]
    assert rings == [2, 3]  # conv2d, answer
    assert list(lines["net-int8.onnx"].get_ydata()) == [45, 45, 45, MOST_DB]
    assert list(deployed.lines[0].get_xdata()) == [2, 3]  # the image is exact: no point
    assert [label.get_text() for label in deployed.get_xticklabels()][2] == "conv2d"


def test_a_narrow_terminal_gets_the_columns_that_tell_most():
    lines = drawn([TFLITE, ONNX], 50)
    assert max(map(len, lines)) <= 50
    assert lines[0].split() == ["Layer", "Added", "SNR", "Range", "Sat.", "Weights"]
    assert not any("…" in line for line in lines)
