"""LiteRT's CompiledModel, its newer door."""

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.hardware_accelerator import HardwareAccelerator
from ai_edge_litert.options import CpuOptions, Options


def open_model(model, how):
    options = Options(HardwareAccelerator.CPU, CpuOptions(num_threads=1))
    compiled = CompiledModel.from_file(model, options=options)
    (key,) = compiled.get_signature_list()
    ((name, taken),) = compiled.get_input_tensor_details(key).items()
    ((answer, given),) = compiled.get_output_tensor_details(key).items()
    inputs, outputs = compiled.create_input_buffers(0), compiled.create_output_buffers(0)
    dtype = np.dtype(taken["dtype"]).type
    pixels = np.arange(256)
    # of the shipped int8 network: 1/255 a step from -128 on, which CompiledModel does not tell
    table = (pixels - 128 if dtype is np.int8 else pixels / 255).astype(dtype)
    size, kind = int(np.prod(given["shape"])), np.dtype(given["dtype"]).type

    def prepare(image):
        return table.take(image)

    def bare(raw):
        inputs[0].write(raw)
        compiled.run_by_index(0, inputs, outputs)
        return outputs[0].read(size, kind)

    by_name = {name: inputs[0]}, {answer: outputs[0]}
    return {
        "predict": lambda image: bare(prepare(image)).argmax(),
        "prepare": prepare,
        "bare": bare,
        "run": lambda: compiled.run_by_name(key, *by_name),  # as litert-benchmark does
    }
