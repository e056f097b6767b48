"""The limit against numbers that are known, and the products that it is measured by."""

import shutil

import numpy as np
import pytest

from tools.peers import roofline
from tools.peers.contenders import FLOAT, INT8, MACHINE, OURS, PEAKS
from tools.peers.worker import load

TOTAL = 1_182_592  # multiply-adds of the network in `folder`, see test_macs.py


@pytest.fixture
def folder(root, tmp_path):
    """A bundle's folder with an early edge in it, whatever is shipped."""
    for name in (INT8, FLOAT):  # its layers are counted, and those are the same in both
        shutil.copy(root / "tests" / "structure" / "pooled-int8.tflite", tmp_path / name)
    return tmp_path


def test_the_best_product_is_the_limit_and_shares_are_within_rounds(folder):
    numbers = {"slow, int8": 1000, "quick, int8": 500, "only, float32": 1000}
    numbers[f"{MACHINE}, clock"] = 4000
    times = {
        ("slow, int8", "run"): [1.0, 1.0, 2.0],  # 1 GMAC/s
        ("quick, int8", "run"): [0.1, 0.1, 0.2],  # 5
        ("only, float32", "run"): [2.0, 2.0, 2.0],  # 0.5
        (f"{MACHINE}, clock", "run"): [2.0, 2.0, 2.0],  # 2 GHz
        (f"{OURS}, int8", "bare"): [TOTAL / 2500, TOTAL / 2500, TOTAL / 1250],  # half of it
        (f"{OURS}, float32", "bare"): [TOTAL / 500] * 3,  # all of it
    }
    found = roofline.roofline(times, numbers, folder)
    assert found["clock_ghz"] == 2
    assert found["peaks"]["int8"]["product"] == "quick"
    assert found["peaks"]["int8"]["macs_a_cycle"] == pytest.approx(2.5)
    assert [row["model"] for row in found["models"]] == [INT8, FLOAT]
    for row, share in zip(found["models"], (0.5, 1), strict=True):
        assert row["macs"] == TOTAL
        assert set(row["calls"]) == {"invoke"}  # what was not timed is not there
        for end in ("median", "p5", "p95"):
            assert row["calls"]["invoke"]["share"][end] == pytest.approx(share)
    assert found["models"][0]["limit_us"]["median"] == pytest.approx(TOTAL / 5000)
    limits = [layer["limit_us"] for layer in found["models"][0]["layers"]]
    assert sum(limits) == pytest.approx(TOTAL / 5000)


def test_without_a_product_there_is_no_limit(folder):
    assert roofline.roofline({}, {}, folder) is None


def test_what_a_core_can_do_at_most_is_told_by_its_flags(tmp_path, monkeypatch):
    monkeypatch.setattr(roofline, "CPUINFO", tmp_path / "cpuinfo")
    assert roofline.widest("int8") is None
    (tmp_path / "cpuinfo").write_text("flags : sse avx512f avx512_vnni\n")
    assert (roofline.widest("float32"), roofline.widest("int8")) == (32, 128)
    (tmp_path / "cpuinfo").write_text("Features : fp asimd\n")
    assert roofline.widest("int8") is None


def test_a_product_by_numpy_has_as_many_multiply_adds_as_it_says():
    found = load(str(PEAKS / "numpy_product.py")).open_model("", "")
    assert found["run"]().shape == (256, 256)
    assert found["macs"] == 256**3


def test_the_products_in_c_are_products():
    c_product = load(str(PEAKS / "c_product.py"))
    if shutil.which("gcc") is None:
        with pytest.raises(OSError, match="gcc is not installed"):
            c_product.built()
        return
    library = c_product.built()
    assert library.rotations(3, 1) == 1 << (-7 * 64 * 3 % 64)
    for how in ("float32", "int8"):  # held against numpy's as they open
        if how == "int8" and library.product_int8(0, 0, 0, None, None, None):
            with pytest.raises(OSError, match="no dot product of bytes"):
                c_product.open_model("", how)
        else:
            assert c_product.open_model("", how)["macs"] == 240 * 256 * 256
    assert not c_product.aligned(np.ones((3, 5))).ctypes.data % 64


def test_without_a_compiler_the_product_in_c_says_so(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(OSError, match="gcc is not installed"):
        load(str(PEAKS / "c_product.py")).open_model("", "float32")
