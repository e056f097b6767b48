import numpy as np
from onnx import TensorProto, helper, load_from_string, numpy_helper

from mnist_edge.export import onnx_model


def test_dynamic_weights_are_unsigned_which_does_not_saturate_without_vnni():
    kernel = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "kernel"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    made = load_from_string(onnx_model.convert_dynamic(model.SerializeToString()))
    (weights,) = [
        numpy_helper.to_array(each) for each in made.graph.initializer if list(each.dims) == [16, 4]
    ]
    assert weights.dtype == np.uint8
