"""Who is measured: which file of ways/ opens what, in which environment, set how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.bare_environments import TFLITE_RUNTIME

HERE = Path(__file__).parent
WAYS, PEAKS = HERE / "ways", HERE / "peaks"
HOME = ""  # the environment that runs the tool: .venv


@dataclass(frozen=True)
class Peer:
    """One program with one model.

    Attributes:
        name: for people, and for `--only`.
        kind: `int8` or `float32`: of the weights.
        file: in ways/ or peaks/; see worker.py for what is in it.
        model: its name in artifacts/edge, or as `conversions` makes it; may be empty.
        how: what the file takes beside the model.
        environment: one of ENVIRONMENTS, or HOME.
        package: whose version is told.
        settings: what was set so that one thread does it, and quickly.
        note: what is to be known before it is compared.
    """

    name: str
    kind: str
    file: Path
    model: str = ""
    how: str = ""
    environment: str = HOME
    package: str = ""
    settings: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        """Name and kind: no two have the same."""
        return f"{self.name}, {self.kind}"


@dataclass(frozen=True)
class Environment:
    """What pip is to put into an environment; constraints.txt says which versions.

    Attributes:
        packages: with what they need.
        alone: without what they say they need.
        pins: in place of those of constraints.txt.
    """

    packages: tuple[str, ...]
    alone: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()


ENVIRONMENTS = {
    "openvino": Environment(("openvino",)),
    "opencv": Environment(("opencv-python-headless",)),
    # pnnx is a program; its Python part, unused here, wants 5 GB of PyTorch with CUDA
    "ncnn": Environment(("ncnn",), alone=("pnnx",)),
    "executorch": Environment(("torch", "executorch")),
    "tflite-runtime": Environment(("tflite-runtime",), pins=tuple(TFLITE_RUNTIME)),
}  # fmt: skip

INT8, FLOAT = "edge-int8.tflite", "edge-float32.tflite"
ONNX_INT8, ONNX_FLOAT = "edge-int8.onnx", "edge-float32.onnx"
OURS = "Classifier, LiteRT"  # what the others are held against, kind by kind
LITERT = "ai-edge-litert"
ONE = "num_threads=1"
ORT_SET = "intra_op_num_threads=1, inter_op_num_threads=1"
TF_SET = "intra_op_parallelism_threads=1, inter_op_parallelism_threads=1"
VINO_SET = "INFERENCE_NUM_THREADS=1, NUM_STREAMS=1, PERFORMANCE_HINT=LATENCY, uint8 input"
OWN_INT8 = "quantized by itself from the float32 weights and 200 training images"


def _pair(name: str, file: str, models: tuple[str, str], **rest: str) -> list[Peer]:
    kinds = ("int8", "float32")
    return [Peer(name, kind, WAYS / file, model, **rest)
            for kind, model in zip(kinds, models, strict=True)]  # fmt: skip


def _keras(name: str, how: str) -> Peer:
    return Peer(name, "float32", WAYS / "keras_model.py", "edge.keras", how,
                package="keras", settings=TF_SET)  # fmt: skip


def _vino(name: str, kind: str, model: str, precision: str) -> Peer:
    return Peer(name, kind, WAYS / "open_vino.py", model, precision, "openvino", "openvino",
                f"{VINO_SET}, INFERENCE_PRECISION_HINT={precision}")  # fmt: skip


PEERS = [
    *_pair(OURS, "ours.py", (INT8, FLOAT), how="litert", package=LITERT, settings="threads=1"),
    *_pair("Classifier, ONNX Runtime", "ours.py", (ONNX_INT8, ONNX_FLOAT), how="onnxruntime",
           package="onnxruntime", settings="threads=1"),
    *_pair("LiteRT Interpreter", "interpreter.py", (INT8, FLOAT),
           how="ai_edge_litert.interpreter", package=LITERT, settings=ONE),
    *_pair("LiteRT CompiledModel", "compiled_model.py", (INT8, FLOAT), package=LITERT,
           settings=f"CPU, {ONE}"),
    *_pair("litert-benchmark", "litert_benchmark.py", (INT8, FLOAT), package=LITERT,
           settings=f"--{ONE} --warmup_runs=50 --num_runs=400, answers not rounded"),
    *_pair("tflite-runtime", "interpreter.py", (INT8, FLOAT), how="tflite_runtime.interpreter",
           environment="tflite-runtime", package="tflite-runtime", settings=ONE),
    *_pair("ONNX Runtime", "onnx_runtime.py", (ONNX_INT8, ONNX_FLOAT), package="onnxruntime",
           settings=ORT_SET),
    _vino("OpenVINO", "int8", ONNX_INT8, "f32"),
    _vino("OpenVINO", "float32", ONNX_FLOAT, "f32"),
    _vino("OpenVINO, bf16", "float32", ONNX_FLOAT, "bf16"),
    *_pair("OpenCV DNN", "opencv_dnn.py", (ONNX_INT8, ONNX_FLOAT), environment="opencv",
           package="opencv-python-headless", settings="setNumThreads(1), ENGINE_CLASSIC"),
    Peer("ncnn", "float32", WAYS / "ncnn_net.py", "edge.ncnn", "", "ncnn", "ncnn",
         "opt.num_threads=1, use_vulkan_compute=False, converted by pnnx"),
    Peer("ExecuTorch", "int8", WAYS / "execu_torch.py", "edge-int8.pte", "", "executorch",
         "executorch", "XNNPACK, one thread", OWN_INT8),
    Peer("ExecuTorch", "float32", WAYS / "execu_torch.py", "edge-float32.pte", "", "executorch",
         "executorch", "XNNPACK, one thread"),
    _keras("tf.function, XLA", "xla"),
    _keras("tf.function", "function"),
    _keras("Keras __call__", "call"),
    _keras("Keras predict", "predict"),
]  # fmt: skip


def _peak(name: str, kind: str, file: str, model: str = "", how: str = "", **rest: str) -> Peer:
    return Peer(name, kind, PEAKS / file, model, how, **rest)


MACHINE = "this core"  # a way that gives its clock, not a product
PEAK_PEERS = [
    _peak("product, numpy", "float32", "numpy_product.py", package="numpy"),
    _peak("product, C", "float32", "c_product.py", how="float32"),
    _peak("product, ONNX Runtime", "float32", "onnx_product.py", "product-float32.onnx",
          package="onnxruntime", settings=ORT_SET),
    _peak("product, C", "int8", "c_product.py", how="int8"),
    _peak("product, ONNX Runtime", "int8", "onnx_product.py", "product-int8.onnx",
          package="onnxruntime", settings=ORT_SET),
    _peak("product, LiteRT", "int8", "litert_product.py", "product-int8.tflite", package=LITERT,
          settings=ONE),
    _peak("product, OpenVINO", "int8", "openvino_product.py", "product-qdq.onnx",
          environment="openvino", package="openvino", settings=VINO_SET),
    _peak(MACHINE, "clock", "c_product.py", how="clock"),
]  # fmt: skip
