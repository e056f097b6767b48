"""A matrix product by OpenVINO, int8."""

import numpy as np
import openvino as ov


def open_model(model, how):
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    request = ov.Core().compile_model(model, "CPU", settings).create_infer_request()
    taken = request.get_input_tensor().data
    taken[:] = np.random.default_rng(0).standard_normal(taken.shape)
    columns = request.get_output_tensor().shape[-1]
    return {"run": request.infer, "macs": taken.size * columns}
