"""Which Pythons, runtimes and numpys are tried together."""

from __future__ import annotations

from dataclasses import dataclass

from tools.arm.boards import RUNTIMES


@dataclass(frozen=True)
class Environment:
    """What is to be in it; where it names no version, constraints.txt does.

    Attributes:
        python: such as 3.11.
        extra: of mnist-edge, which brings its runtime.
        version: of the runtime.
        numpy: its version.
    """

    python: str
    extra: str
    version: str | None = None
    numpy: str | None = None

    @property
    def runtime(self) -> str:
        """What mnist-edge calls the runtime."""
        return RUNTIMES[self.extra]

    @property
    def name(self) -> str:
        """For people and for folders."""
        runtime = self.runtime + (f"-{self.version}" if self.version else "")
        return f"{self.python}-{runtime}" + (f"-numpy-{self.numpy}" if self.numpy else "")


NUMPY_1 = "1.26.4"  # the last
NUMPY_2 = "2.0.2"  # of the first numpy 2; the newest is pinned
ENVIRONMENTS = (
    # the newest of everything
    *(Environment(f"3.{minor}", extra) for extra in ("litert", "onnx") for minor in range(10, 14)),
    # the newest runtime with numpy 1, which has no wheel for Python 3.13
    *(Environment(f"3.{minor}", extra, None, NUMPY_1)
      for extra in ("litert", "onnx") for minor in range(10, 13)),
    # the oldest that pyproject.toml takes, with the oldest and the newest Python that they know
    Environment("3.10", "litert", "1.1.1", NUMPY_1),
    Environment("3.12", "litert", "1.1.1"),
    Environment("3.10", "onnx", "1.18.1", NUMPY_1),
    Environment("3.12", "onnx", "1.18.1", NUMPY_1),
    # the oldest for numpy 2, and the oldest for Python 3.13
    Environment("3.10", "onnx", "1.19.0", NUMPY_2),
    Environment("3.13", "litert", "2.1.0"),
    Environment("3.13", "onnx", "1.20.0"),
    # the only tflite-runtime
    Environment("3.10", "tflite", "2.14.0", NUMPY_1),
    Environment("3.11", "tflite", "2.14.0", NUMPY_1),
)  # fmt: skip
