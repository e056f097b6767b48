"""ncnn, on what its converter pnnx made of the ONNX file."""

import ncnn
import numpy as np

GREY = ncnn.Mat.PixelType.PIXEL_GRAY


def open_model(model, how):
    network = ncnn.Net()
    network.opt.num_threads = 1
    network.opt.use_vulkan_compute = False
    if network.load_param(f"{model}.param") or network.load_model(f"{model}.bin"):
        raise ValueError(f"{model} cannot be loaded")

    def prepare(image):
        pixels = ncnn.Mat.from_pixels(image, GREY, 28, 28)
        pixels.substract_mean_normalize([], [1 / 255])
        return pixels

    def bare(pixels):
        extractor = network.create_extractor()
        extractor.input("in0", pixels)
        return np.array(extractor.extract("out0")[1])

    return {
        "predict": lambda image: bare(prepare(image)).argmax(),
        "prepare": prepare,
        "bare": bare,
    }
