"""A matrix product as a fully connected layer of LiteRT's, int8."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def open_model(model, how):
    interpreter = Interpreter(model, num_threads=1)
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    rows, inner = taken["shape"]
    columns = given["shape"][-1]
    image = np.random.default_rng(0).integers(-128, 128, (rows, inner)).astype(np.int8)
    interpreter.set_tensor(taken["index"], image)
    return {"run": interpreter.invoke, "macs": int(rows * inner * columns)}
