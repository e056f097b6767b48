"""ExecuTorch with XNNPACK."""

import numpy as np
import torch
from executorch.extension.pybindings import portable_lib
from executorch.runtime import Runtime

torch.set_num_threads(1)
portable_lib._unsafe_reset_threadpool(1)

STEP = np.float32(1 / 255)


def open_model(model, how):
    program = Runtime.get().load_program(model)
    method = program.load_method("forward")

    def prepare(image):
        return [torch.from_numpy((image * STEP).reshape(1, 1, 28, 28))]

    return {
        "predict": lambda image: method.execute(prepare(image))[0].argmax(),
        "prepare": prepare,
        "bare": method.execute,
        "keep": program,  # the method needs it
    }
