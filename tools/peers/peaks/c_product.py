"""The products of product.c, compiled here; `how` is float32, int8 or clock."""

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

ROWS, SIDE = 240, 256
TURNS = 10_000
CHECKED = 1e-3


def open_model(model, how):
    library = built()
    if how == "clock":
        return {"run": lambda: library.rotations(TURNS, ctypes.c_uint64(1)), "macs": 64 * TURNS}
    random = np.random.default_rng(0)
    if how == "float32":
        first = random.standard_normal((ROWS, SIDE)).astype(np.float32)
        second = random.standard_normal((SIDE, SIDE)).astype(np.float32)
        laid_out, dtype, call = second, np.float32, library.product_float32
    else:
        first = random.integers(0, 128, (ROWS, SIDE)).astype(np.uint8)
        second = random.integers(-128, 128, (SIDE, SIDE)).astype(np.int8)
        laid_out = second.reshape(SIDE // 4, 4, SIDE).swapaxes(1, 2)
        dtype, call = np.int32, library.product_int8
    arrays = [aligned(first), aligned(laid_out), aligned(np.zeros((ROWS, SIDE), dtype))]
    places = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
    sides = [ctypes.c_int(side) for side in (ROWS, SIDE, SIDE)]
    if call(*sides, *places) and how == "int8":
        raise OSError("this processor has no dot product of bytes that product.c knows")
    wanted = first.astype(np.float64) @ second
    if abs(arrays[2] - wanted).max() > CHECKED * abs(wanted).max():
        raise ArithmeticError("the product is wrong")
    return {"run": lambda: call(*sides, *places), "macs": ROWS * SIDE * SIDE, "keep": arrays}


def built():
    """Return the library, compiled for this processor."""
    compiler = shutil.which("gcc")
    if compiler is None:
        raise OSError("gcc is not installed")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "product.so"
        source = Path(__file__).with_name("product.c")
        options = ["-O3", "-march=native", "-shared", "-fPIC", "-o", str(target)]
        subprocess.run([compiler, *options, str(source)], check=True)
        library = ctypes.CDLL(str(target))
    library.product_float32.restype = None
    library.rotations.restype = ctypes.c_uint64
    return library


def aligned(array):
    """Return a copy that begins where a cache line does."""
    room = np.empty(array.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    copy = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
