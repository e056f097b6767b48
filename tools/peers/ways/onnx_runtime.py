"""A bare ONNX Runtime session."""

import numpy as np
import onnxruntime

STEP = np.float32(1 / 255)


def open_model(model, how):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def prepare(image):
        return (image * STEP).reshape(1, 28, 28, 1)

    def bare(raw):
        return session.run(None, {name: raw})[0]

    return {
        "predict": lambda image: bare(prepare(image)).argmax(),
        "prepare": prepare,
        "bare": bare,
    }
