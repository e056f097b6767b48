import pytest

from mnist_edge.report import pictures
from mnist_edge.report.page.charts import curves, latencies, tradeoff
from mnist_edge.report.page.svg import drawing


@pytest.fixture(autouse=True)
def as_pages_draw():
    with drawing():
        yield


def points(axes):
    """What is marked and labelled in no legend."""
    return [
        (line.get_xdata()[0], line.get_ydata()[0])
        for line in axes.lines
        if line.get_marker() not in ("", "None") and len(line.get_xdata()) == 1
    ]


@pytest.mark.parametrize("narrow", [False, True])
def test_each_model_stands_at_its_time_its_size_and_its_accuracy(records, narrow):
    rows = records.seven()
    by_time, by_size = tradeoff(records.record(rows), narrow=narrow).axes
    wanted = [100 * row["parity"]["accuracy"] for row in rows]
    times = [row["latency"]["predict_us"]["p50"] for row in rows]
    assert points(by_time) == list(zip(times, wanted, strict=True))
    sizes = [row["bytes"] / 1000 for row in rows]
    assert points(by_size) == list(zip(sizes, wanted, strict=True))
    said = {note.get_text() for note in by_time.texts if note.get_text()}
    assert {"int8.onnx", "edge.keras"} <= said


def test_without_labels_it_is_the_agreement(records):
    changed = records.parity(labelled=False, other=[[3, None, 1, 2]])
    (axes, _) = tradeoff(records.record([records.row(parity=changed)])).axes
    assert axes.get_title("left") == "Agreement in %, by time"
    assert points(axes)[0][1] == pytest.approx(99.99)


def test_nothing_is_drawn_of_what_did_not_run(records):
    record = records.record([records.failed(), records.row()])
    assert len(points(tradeoff(record).axes[0])) == 1
    assert len(latencies(record).axes[0].get_yticks()) == 1
    alone = records.record([records.failed()])
    assert tradeoff(alone) is None
    assert latencies(alone) is None


def test_times_go_from_the_fastest_call_to_the_slowest(records):
    row = records.row()
    (axes,) = latencies(records.record([row])).axes
    found = row["latency"]["predict_us"]
    ends = [tuple(line.get_xdata()) for line in axes.lines]
    quantiles = found["quantiles"]
    assert (quantiles[0], quantiles[99]) in ends
    assert (quantiles[25], quantiles[75]) in ends
    assert (quantiles[99], found["max"]) in ends
    assert len(ends) == 7


def test_a_record_of_the_first_revision_has_no_quantiles_but_is_drawn(records):
    from mnist_edge.bench.record import Record

    record = Record.of(records.old(), "old")
    ran = [row for row in record["results"] if row["status"] == "ok"]
    assert len(latencies(record, narrow=True).axes[0].texts) == len(ran)


HISTORY = [
    {"epoch": 1.0, "loss": 1.5, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.75},
    {"epoch": 2.0, "loss": 0.2, "accuracy": 0.9, "val_loss": 0.1, "val_accuracy": 0.96},
    {"epoch": 3.0, "loss": 0.1, "accuracy": 0.95, "val_loss": 0.02, "val_accuracy": 1.0},
]


def test_curves_show_every_epoch():
    loss, accuracy = curves(HISTORY).axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[1.5, 0.2, 0.1], [1.0, 0.1, 0.02]]
    assert list(accuracy.lines[1].get_ydata()) == pytest.approx([75, 96, 100])
    alone = curves([{"epoch": 1.0, "loss": 1.5, "accuracy": 0.5}], narrow=True)
    assert len(alone.axes[0].lines) == 1


def test_curves_are_those_of_the_picture_of_the_run():
    def seen(axes):
        lines = [(line.get_color(), line.get_marker(), line.get_linestyle(), list(line.get_ydata()))
                 for line in axes.lines]  # fmt: skip
        return axes.get_title("left"), axes.get_yscale(), axes.get_ylim(), lines

    assert [*map(seen, curves(HISTORY).axes)] == [*map(seen, pictures.curves(HISTORY).axes)]
