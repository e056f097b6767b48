"""Write matrix products as models, to see what one core can do: 256 rows by 256 by 256.

python products.py FOLDER: product-float32.onnx, product-int8.onnx (MatMulInteger),
product-qdq.onnx (quantized as OpenVINO wants it), product-int8.tflite (a fully connected layer).
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 256
FOLDER = Path(sys.argv[1])
random = np.random.default_rng(0)
weights = random.integers(-127, 128, (SIDE, SIDE)).astype(np.int8)


def write(name, nodes, constants, taken, given):
    """Write an ONNX file that makes `c` of `a`, both [256,256] of these types."""
    ends = [helper.make_tensor_value_info(end, kind, (SIDE, SIDE))
            for end, kind in (("a", taken), ("c", given))]  # fmt: skip
    tensors = [numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, name, ends[:1], ends[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, FOLDER / f"{name}.onnx")


real = {"b": weights.astype(np.float32)}
write("product-float32", [helper.make_node("MatMul", ["a", "b"], ["c"])], real,
      TensorProto.FLOAT, TensorProto.FLOAT)  # fmt: skip
node = helper.make_node("MatMulInteger", ["a", "b"], ["c"])
write("product-int8", [node], {"b": weights}, TensorProto.UINT8, TensorProto.INT32)
nodes = [
    helper.make_node("QuantizeLinear", ["a", "s", "z"], ["aq"]),
    helper.make_node("DequantizeLinear", ["aq", "s", "z"], ["ad"]),
    helper.make_node("DequantizeLinear", ["b", "t", "y"], ["bd"]),
    helper.make_node("MatMul", ["ad", "bd"], ["c"]),
]
scales = {"s": np.float32(0.02), "z": np.uint8(128), "t": np.float32(0.01), "y": np.int8(0)}
write("product-qdq", nodes, {"b": weights, **scales}, TensorProto.FLOAT, TensorProto.FLOAT)

import tensorflow as tf  # noqa: E402  the slow one last

given = tf.keras.Input(batch_shape=(SIDE, SIDE))
layer = tf.keras.layers.Dense(SIDE)
network = tf.keras.Model(given, layer(given))
converter = tf.lite.TFLiteConverter.from_keras_model(network)
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.representative_dataset = lambda: (
    [random.standard_normal((SIDE, SIDE)).astype(np.float32)] for _turn in range(2)
)
converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
converter.inference_input_type = converter.inference_output_type = tf.int8
(FOLDER / "product-int8.tflite").write_bytes(converter.convert())
