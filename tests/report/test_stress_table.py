import pytest

from mnist_edge.report.bench_markdown import bench_markdown
from mnist_edge.report.bench_table import bench_output
from mnist_edge.report.stress_table import amount, stress_markdown, stress_output, tried


def lines(record, width=80, wide=None):
    parts = stress_output(record, width, wide or width)
    return [line for part in parts for line in str(part).splitlines()]


def test_a_record_without_stress_looks_as_it_did(records):
    for record in (records.record(), records.old(), records.revision_2()):
        assert stress_output(record) == stress_markdown(record) == tried(record) == []
    before = list(map(str, bench_output(records.revision_2())))
    assert list(map(str, bench_output(records.record()))) == before
    assert bench_markdown(records.record()) == bench_markdown(records.revision_2())


def test_it_stands_in_eighty_columns_before_the_verdict(records):
    record = records.stressed(missing="cannot get fashion-mnist; tried " + "a source; " * 20)
    found = "\n".join(map(str, bench_output(record))).splitlines()
    assert max(map(len, found)) <= 80
    starts = [found.index(line) for line in found if line.startswith(("Under stress", "Models:"))]
    assert len(starts) == 2
    assert starts == sorted(starts)
    assert not [line for line in found if "Not every column" in line]
    assert any(line.startswith("No fashion items: cannot get") for line in found)


def test_every_model_has_a_row_and_a_number(records):
    found = lines(records.stressed())
    (head,) = (line for line in found if line.startswith("Model "))
    assert head.split() == ["Model", "Runtime", "#", "Clean", "Mean", "Worst", "ECE", "ECE,"]
    row = next(line for line in found if line.startswith("int8.onnx"))
    assert row.split() == [
        "int8.onnx", "onnxruntime", "7", "99.61", "87.00", "81.0", "noise", "75", "3.00", "3.00",
    ]  # fmt: skip
    (corruptions,) = (line for line in found if line.startswith("Corruption"))
    assert corruptions.split() == ["Corruption", *"1234567", "±"]


def test_every_severity_has_a_row_with_its_widest_interval(records):
    record = records.stressed()
    record["results"][2]["stress"]["corruptions"][6]["levels"][1]["accuracy_ci95"] = [0.9, 0.95]
    found = lines(record)
    start = next(place for place, line in enumerate(found) if line.startswith("Corruption"))
    rows = found[start + 2 : start + 2 + 28]
    assert rows[0].split() == ["none", *["99.61"] * 7, "0.35"]
    assert rows[1].split()[:4] == ["noise", "25", "levels", "99.00"]
    (turned,) = (row for row in rows if row.startswith("rotation 20°"))
    assert turned.split()[2:] == [
        "93.00", "92.00", "91.00", "90.00", "89.00", "88.00", "87.00", "2.50",
    ]  # fmt: skip
    assert rows[-1].startswith("larger 145 %")


def test_non_digits_stand_below_test_digits(records):
    found = lines(records.stressed(missing="no network"))
    start = next(place for place, line in enumerate(found) if line.startswith("Confidence"))
    assert found[start + 2].split() == ["test", "digits", "below", "0.5", *["0.05"] * 7]
    assert found[start + 8].split() == ["uniform", "noise,", "AUROC", *["0.930"] * 7]
    assert found[start + 11].split() == ["letters", "below", "0.99", *["60.00"] * 7]
    assert found[start + 13] == "No fashion items: no network"


def test_what_failed_is_said_and_has_no_column(records):
    record = records.stressed(records.record([records.failed(), records.row()]))
    found = lines(record)
    (failed,) = (line for line in found if "failed: the process ended" in line)
    assert failed.split()[:2] == ["int8.tflite", "litert"]
    (corruptions,) = (line for line in found if line.startswith("Corruption"))
    assert corruptions.split() == ["Corruption", "2", "±"]


@pytest.mark.parametrize("width", [80, 60])
def test_where_models_are_many_the_first_have_room_and_that_is_said(records, width):
    record = records.stressed(records.record([*records.seven(), *records.seven()]))
    found = lines(record, width)
    assert max(map(len, found)) <= width
    (corruptions,) = (line for line in found if line.startswith("Corruption"))
    shown = corruptions.split()[1:-1]
    assert shown == [str(number) for number in range(1, len(shown) + 1)]
    assert 3 < len(shown) < 14
    assert any(line.startswith("Not every column has room") for line in found)
    assert not any("Not every" in line for line in lines(record, width, 1000))


def test_markdown_has_the_same_tables(records):
    found = bench_markdown(records.stressed(missing="no network"))
    assert "| Corruption | 1 | 2 | 3 | 4 | 5 | 6 | 7 | ± |" in found
    assert "| rotation 30° | 87.00 | 86.00 |" in found
    assert "| letters, AUROC | 0.930 |" in found
    assert found.endswith("No fashion items: no network")
    tables = [line for line in found.splitlines() if line.startswith("| --- ")]
    assert len(tables) == 4


def test_amounts_are_told_in_their_units():
    assert amount({"amount": 0.75}, "px a side") == "0.75 px a side"
    assert amount({"amount": 30}, "°") == "30°"
    assert amount({"amount": 15.0}) == "15"
