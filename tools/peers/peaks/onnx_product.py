"""A matrix product by ONNX Runtime: MatMul, or MatMulInteger of uint8 by int8."""

import numpy as np
import onnxruntime


def open_model(model, how):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    rows, inner = taken.shape
    (_rows, columns) = session.get_outputs()[0].shape
    dtype = np.uint8 if taken.type == "tensor(uint8)" else np.float32
    given = {taken.name: np.random.default_rng(0).integers(0, 127, (rows, inner)).astype(dtype)}
    return {"run": lambda: session.run(None, given), "macs": rows * inner * columns}
