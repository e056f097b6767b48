import io
import itertools
import json
import warnings

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from mnist_edge.data import Split
from mnist_edge.errors import InputError
from mnist_edge.report.bench_pictures import (
    accuracy_against_latency,
    distributions,
    save_bench_pictures,
)
from mnist_edge.report.flips_picture import flips
from mnist_edge.report.style import RUNTIMES, look, png


@pytest.fixture(scope="module")
def twenty(records):
    rows = [
        {**row, "bundle": f"runs/{name}", "bytes": row["bytes"] * size}
        for name, size in (("edge", 1), ("dense", 4), ("classic", 8))
        for row in records.seven()
    ]
    return records.record(rows[:20])


def boxes(figure, texts):
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    return [text.get_window_extent(renderer).extents for text in texts]


def overlap(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width > 0.5 and height > 0.5


def labels(axes):
    return [text for text in axes.texts if text.get_text()]


def test_labels_cover_neither_each_other_nor_the_edge(records, twenty):
    for record in (records.record(), twenty, records.old(), records.record([records.row()])):
        figure = accuracy_against_latency(record)
        (axes,) = figure.axes
        found = boxes(figure, labels(axes))
        assert not any(overlap(*pair) for pair in itertools.combinations(found, 2))
        inside = axes.get_window_extent().extents
        for box in found:
            assert box[0] >= inside[0]
            assert box[1] >= inside[1]
            assert box[2] <= inside[2]
            assert box[3] <= inside[3]


def gap(one, other):
    across = max(one[0] - other[2], other[0] - one[2], 0)
    up = max(one[1] - other[3], other[1] - one[3], 0)
    return float(np.hypot(across, up))


def test_no_label_can_be_taken_for_that_of_another_mark(root, records):
    shipped = json.loads((root / "artifacts" / "edge" / "bench.json").read_text(encoding="utf-8"))
    for record in (shipped, records.record(), records.old()):
        (axes,) = (figure := accuracy_against_latency(record)).axes
        marks, scale = {}, figure.dpi / 72
        for each in axes.collections:
            if isinstance(each, PathCollection) and len(each.get_offsets()):
                x, y = axes.transData.transform(each.get_offsets()[0])
                reach = np.sqrt(each.get_sizes()[0]) / 2 * scale
                point = tuple(map(float, each.get_offsets()[0]))
                marks[point] = (x - reach, y - reach, x + reach, y + reach)
        led = {(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines
               if line.get_color() == "black"}  # fmt: skip
        for note, box in zip(labels(axes), boxes(figure, labels(axes)), strict=True):
            own = marks[note.xy]
            assert not any(overlap(box, mark) for mark in marks.values())
            others = [mark for mark in marks.values() if not overlap(own, mark)]
            nearest = min(gap(box, mark) for mark in others)
            ahead = any(np.allclose(note.xy, start) for start in led)
            assert nearest > (6 if ahead else 2 * gap(box, own))


def test_a_runtime_looks_the_same_in_every_picture(records):
    def looks(rows):
        handles = accuracy_against_latency(records.record(rows)).legends[0].legend_handles
        return {
            each.get_label(): (to_hex(each.get_facecolor()[0]), len(each.get_paths()[0].vertices))
            for each in handles
        }

    every = looks(records.seven())
    assert len(set(every.values())) == len(every) == 4
    assert looks(records.seven()[4:5]) == {"litert": every["litert"]}
    assert looks(records.seven()[::-1]) == every
    known = {look(name) for name in RUNTIMES}
    assert len(known) == len(RUNTIMES) == 5
    assert look("executorch") == ("#CC79A7", "P")
    assert not known & {look(f"plugin {each}") for each in range(100)}


def test_accuracy_is_drawn_over_time_with_size_and_interval(records):
    figure = accuracy_against_latency(records.record())
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert len(axes.containers) == 7  # error bars
    marks = [
        each for each in axes.collections if hasattr(each, "get_sizes") and len(each.get_offsets())
    ]
    points = {tuple(map(float, each.get_offsets()[0])): each.get_sizes()[0] for each in marks}
    row = records.record()["results"][4]
    assert (row["latency"]["predict_us"]["p50"], 100 * row["parity"]["accuracy"]) in points
    areas = sorted(set(points.values()))
    assert areas[-1] / areas[0] == pytest.approx(196_987 / 42_760)
    names = {text.get_text() for text in labels(axes)}
    assert names == {  # one for both runtimes where their marks lie upon each other
        "edge.keras, 197 kB", "float32.tflite, 139 kB", "float32.onnx, 137 kB",
        "int8.tflite, 43 kB", "int8.onnx, 51 kB",
    }  # fmt: skip
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert ticks == ["10", "20", "50", "100", "200"]


def test_the_verdict_is_in_the_pictures(records):
    invalid = records.record([records.row(), records.failed()], valid=False)
    for draw in (accuracy_against_latency, distributions):
        (axes,) = draw(invalid).axes
        assert axes.get_title(loc="left") == "Timings: INVALID, a first look"
        (axes,) = draw(records.record()).axes
        assert axes.get_title(loc="left") == "Timings: VALID"


def test_without_labels_agreement_is_drawn_and_without_either_nothing(records):
    unlabelled = records.row(parity=records.parity(labelled=False))
    figure = accuracy_against_latency(records.record([unlabelled]))
    assert "Agreement" in figure.axes[0].get_ylabel()
    unlabelled["parity"]["agreement"] = None
    assert accuracy_against_latency(records.record([unlabelled])) is None


def test_distributions_have_a_row_a_result_and_clip_nothing(records, twenty):
    for record in (records.record(), records.old(), twenty):
        figure = distributions(record)
        (axes,) = figure.axes
        assert len(axes.get_yticklabels()) == len(record["results"])
        slowest = max(row["latency"]["predict_us"]["max"] for row in record["results"])
        assert axes.get_xlim()[1] > slowest
        lines = [line for line in axes.lines if len(line.get_xdata()) > 2]
        assert len(lines) == 2 * len(record["results"])
        assert all(np.all(np.diff(line.get_xdata()) >= 0) for line in lines)
    failed = distributions(records.record([records.failed(), records.row()])).axes[0]
    assert any("failed: the process ended" in text.get_text() for text in failed.texts)
    assert len(distributions(records.record([records.failed()])).axes) == 1


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (48, 32, 3), (8, 64)])
def test_flips_are_shown_with_what_was_said(records, shape):
    images = np.zeros((10_000, *shape), np.uint8)
    figure = flips(records.of_images(images), images)
    (part,) = figure.subfigs
    assert part.get_suptitle() == (
        "int8.tflite on litert; int8.tflite on tensorflow-lite; int8.onnx on onnxruntime: "
        "1 became wrong, 2 became right, 1 wrong both ways"
    )
    titles = [axes.get_title() for axes in part.axes if axes.images]
    assert titles[0] == "image 582\n8 → 2\ntrue: 8"
    assert len(titles) == 4
    assert png(figure)[:4] == b"\x89PNG"


def test_the_colours_of_flips_are_explained(records):
    def legend(record):
        (found,) = flips(record, images).legends
        return {
            text.get_text(): to_hex(patch.get_facecolor())
            for text, patch in zip(found.texts, found.legend_handles, strict=True)
        }

    images = np.zeros((10_000, 28, 28), np.uint8)
    said = legend(records.of_images(images))
    assert list(said) == ["became wrong", "became right", "wrong both ways"]
    (part,) = (figure := flips(records.of_images(images), images)).subfigs
    colours = [to_hex(axes.title.get_color()) for axes in part.axes if axes.images]
    assert list(dict.fromkeys(colours)) == list(said.values())
    FigureCanvasAgg(figure)
    (box,) = boxes(figure, figure.legends)
    assert not any(overlap(box, axes.get_window_extent().extents) for axes in part.axes)
    wrong = [records.row(parity=records.parity(0.99, [[5, 0, 0, 1]]))]
    assert list(legend(records.of_images(images, results=wrong))) == ["became wrong"]
    unknown = [records.row(parity=records.parity(labelled=False, other=[[5, 0, 0, 1]]))]
    assert list(legend(records.of_images(images, results=unknown))) == ["decision changed"]


def test_many_flips_are_counted_and_the_first_shown(records):
    many = [[index, 0, 0, 1] for index in range(50)]
    images = np.zeros((10_000, 28, 28), np.uint8)
    rows = [records.row(parity=records.parity(0.99, many))]
    record = records.of_images(images, results=rows)
    (part,) = flips(record, images).subfigs
    assert part.get_suptitle() == "int8.tflite on litert: 50 became wrong; the first 16"
    assert sum(bool(axes.images) for axes in part.axes) == 16
    record["labels"] = ["a label that is long", "another label"]
    unlabelled = records.parity(labelled=False, other=many)
    record["results"][0]["parity"] = unlabelled
    (part,) = flips(record, images, 3).subfigs
    assert part.get_suptitle() == "int8.tflite on litert: 50 decisions changed; the first 3"
    before, after = part.axes[0].get_title().splitlines()[1:]
    assert before.startswith("a l")
    assert len(before) <= 14
    assert after == "→ another label"


def test_no_flips_are_no_picture_and_other_images_are_refused(records):
    images = np.zeros((10_000, 28, 28), np.uint8)
    assert flips(records.old(), images) is None
    assert flips(records.record([records.row(), records.failed()]), images) is None
    with pytest.raises(InputError, match="200 images; the record is of 10,000"):
        flips(records.record(), images[:200])
    with pytest.raises(InputError, match="other images than those of the record"):
        flips(records.record(), images)


def test_they_become_files_and_a_stale_one_goes(records, tmp_path):
    split = Split(np.zeros((10_000, 28, 28), np.uint8), None)
    record = records.of_images(split.images)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paths = save_bench_pictures(tmp_path, record, split)
    assert [path.name for path in paths] == [
        "bench-accuracy.png", "bench-latency.png", "bench-flips.png"
    ]  # fmt: skip
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    assert io.BytesIO(paths[0].read_bytes()).getbuffer().nbytes > 10_000
    (tmp_path / "bench-stress.png").touch()
    again = save_bench_pictures(tmp_path, records.old(), split)
    assert len(again) == 2
    assert not (tmp_path / "bench-flips.png").exists()
    assert not (tmp_path / "bench-stress.png").exists()
