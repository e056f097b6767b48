"""How far one runtime's probabilities may be from those recorded where a model was exported.

Kernels round differently from runtime to runtime and from processor to processor, so what one
may expect depends on both the quantization and the runtime. Export writes these numbers into the
manifest, and `verify` holds a device to what the manifest states.

Each is about twice what was seen, or more, between LiteRT 2.3 or ONNX Runtime 1.31 on x86-64,
where models are exported, and the runtimes on x86-64, Cortex-A53, A72, A76 and ARMv7 (`hardest`
in artifacts/platforms.json, by `make test-arm`). The images were those on which the network is
least sure, where a step of rounding moves a probability most: on the others nearly all answers
are the same bits.
"""

from __future__ import annotations

OTHER = "other"  # runtimes that are not named
MOST = 0.1  # that a manifest may state: beyond it, anything would hold

STATED = {
    "float32": {"": 1e-5, OTHER: 1e-4},
    "float16": {"": 1e-4, OTHER: 1e-3},
    "dynamic": {"": 1e-3, "tflite-runtime": 2e-3, OTHER: 0.02},
    # a step of a probability is 1/256; tflite-runtime's own kernels round each layer otherwise
    "int8": {"": 0.008, "tflite-runtime": 0.08, "onnxruntime": 0.02, OTHER: 0.08},
    "int16x8": {"": 1e-3, OTHER: 0.01},
}
RUNTIMES = {
    "tflite": ("litert", "tflite-runtime", "tensorflow-lite"),
    "onnx": ("onnxruntime",),
    "keras": ("keras",),
}


def tolerances(model_format: str, quantization: str) -> dict[str, float]:
    """Return the largest difference of a probability, by runtime, as a manifest states it.

    Args:
        model_format: `tflite`, `onnx` or `keras`.
        quantization: one of bundle.QUANTIZATIONS.
    """
    stated = STATED[quantization]
    found = {name: stated.get(name, stated[""]) for name in RUNTIMES[model_format]}
    return {**found, OTHER: stated[OTHER]}


def allowed(stated: dict[str, float], runtime: str) -> float:
    """Return what a manifest's tolerances (or `tolerances`) allow a runtime."""
    return stated.get(runtime, stated[OTHER])
