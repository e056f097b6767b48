import pytest

from mnist_edge.bench.compare_machines import compare_machines
from mnist_edge.bench.machines import Machine
from mnist_edge.bench.record import Record
from mnist_edge.report.compare_machines_table import machines_markdown, machines_output


@pytest.fixture(scope="module")
def found(records):
    fine = Machine(Record(records.record()), None)
    slow = Machine(Record(records.scaled(records.record(), 1.3)), None)
    lost = Machine(None, "no route to it, " + "however often it is tried, " * 5)
    old = {"desk": fine, "pi@shed": fine, "pi@attic": fine}
    return compare_machines(old, {"desk": fine, "pi@shed": lost, "pi@attic": slow})


def test_there_is_a_section_a_machine(found):
    text = "\n".join(map(str, machines_output(found)))
    places = [text.index(each) for each in (
        "desk\n\nModel", "No regression beyond +10 %.", "\n\npi@shed: failed in NEW: no route",
        "\n\npi@attic\n\nModel", "\nREGRESSED:\n- edge.keras",
    )]  # fmt: skip
    assert places == sorted(places)
    assert max(map(len, text.splitlines())) <= 80
    assert "import ms" in "\n".join(map(str, machines_output(found, 120, wide=True)))


def test_markdown_has_a_heading_a_machine(found):
    lines = machines_markdown(found).splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "### desk", "### pi@shed", "### pi@attic"
    ]  # fmt: skip
    assert lines[lines.index("### pi@shed") + 2].startswith("**REGRESSED**: failed in NEW: no")
    assert lines[lines.index("### pi@attic") + 2].startswith("**REGRESSED** (limit +10 %)")
