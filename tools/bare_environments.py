"""Make environments with numpy and one runtime each, as on a device, for the tests.

    python tools/bare_environments.py

They lie in .venv-bare/<runtime>. With them made, the tests need no network.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BARE = ROOT / ".venv-bare"
PACKAGES = {
    "litert": ["ai-edge-litert"],
    "onnxruntime": ["onnxruntime"],
    "opencv": ["opencv-python-headless"],  # for tools/examples/opencv_runtime
}
TFLITE_RUNTIME = ["tflite-runtime==2.14.0", "numpy==1.26.4"]
if sys.version_info < (3, 12):  # the last Python that it has a wheel for
    PACKAGES["tflite-runtime"] = TFLITE_RUNTIME


def main() -> None:
    """Make them all anew."""
    for runtime, packages in PACKAGES.items():
        folder = BARE / runtime
        print(f"Installing numpy and {runtime} into {folder.relative_to(ROOT)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        install += ["--disable-pip-version-check"]
        if runtime != "tflite-runtime":  # which needs an older numpy than the pinned one
            install += ["-c", str(ROOT / "constraints.txt")]
        subprocess.run([*install, *packages], check=True)


if __name__ == "__main__":
    main()
