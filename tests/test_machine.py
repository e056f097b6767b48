import pytest

from mnist_edge import machine


def test_the_machine_says_what_it_is():
    found = machine.describe()
    assert found["cores"] >= 1
    assert found["architecture"]
    assert set(found) >= {"system", "processor", "memory_mb", "governor", "python"}


@pytest.mark.parametrize(
    ("lines", "busy"),
    [
        (("cpu 100 0 0 900 0 0 0 0 0 0", "cpu 100 0 0 1000 0 0 0 0 0 0"), 0.0),
        (("cpu 100 0 0 900 0 0 0 0 0 0", "cpu 150 0 0 950 0 0 0 0 0 0"), 0.5),
        (("cpu 0 0 0 0 0 0 0 0 0 0", "cpu 0 0 0 20 20 0 0 60 0 0"), 0.6),
    ],
)
def test_other_work_is_counted_in_processors(monkeypatch, tmp_path, lines, busy):
    stat = tmp_path / "proc" / "stat"
    stat.parent.mkdir()
    stat.write_text(lines[0] + "\n")
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 1)
    monkeypatch.setattr(machine.time, "sleep", lambda _seconds: stat.write_text(lines[1] + "\n"))
    assert machine.busy_processors() == pytest.approx(busy)


def test_a_busy_or_slowed_machine_is_doubted(monkeypatch, tmp_path):
    governor = tmp_path / "governor"
    monkeypatch.setattr(machine, "GOVERNOR", governor)
    monkeypatch.setattr(machine, "busy_processors", lambda: 0.0)
    assert machine.disturbances() == []
    governor.write_text("performance\n")
    assert machine.disturbances() == []
    governor.write_text("powersave\n")
    monkeypatch.setattr(machine, "busy_processors", lambda: 1.5)
    busy, slowed = machine.disturbances()
    assert "1.5 processors busy" in busy
    assert "powersave" in slowed


def test_a_system_that_does_not_tell_is_not_doubted(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    monkeypatch.setattr(machine, "GOVERNOR", tmp_path / "absent")
    monkeypatch.setattr(machine, "LOOK_S", 0)
    assert machine.busy_processors(0) is None
