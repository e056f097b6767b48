import numpy as np
import pytest

from tools import compare_pad as module
from tools.compare_pad import Comparison, compare, main

pytestmark = pytest.mark.needs("keras", "litert")  # no device runs the page's JavaScript


def test_what_differs_is_counted():
    one = np.array([[127, -128, -128], [0, -2, -126], [1, 0, -128], [100, -100, -128]], np.int8)
    other = one.copy()
    other[1] = [1, -2, -127]  # near
    other[2] = [0, 1, -128]  # near, with another label
    other[3] = [-128, 127, -128]  # far: no int8 holds the difference
    assert compare(one, one) == Comparison(4, equal=4, near=4, other_label=0)
    assert compare(one, other) == Comparison(4, equal=1, near=3, other_label=2)


def test_the_table_has_both_kernels(monkeypatch, capsys):
    monkeypatch.setattr(module, "IMAGES", 20)
    monkeypatch.setattr("sys.argv", ["compare_pad", "nano"])
    main()
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert rows[0] == ["nano", "reference", "20", "20", "20", "0"]
    assert rows[1][:3] == ["nano", "XNNPACK", "20"]


def test_an_unknown_bundle_is_refused(monkeypatch):
    monkeypatch.setattr("sys.argv", ["compare_pad", "pico"])
    with pytest.raises(SystemExit, match="no shipped bundle 'pico'; there are edge, micro, nano"):
        main()


def test_without_node_it_ends_with_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["compare_pad", "nano"])
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(tmp_path / "none"))
    with pytest.raises(SystemExit, match=r"^no node on the PATH[^\n]*$"):
        main()
    assert capsys.readouterr().out == ""
