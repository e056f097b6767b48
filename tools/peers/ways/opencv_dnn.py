"""OpenCV's DNN module; its classic engine, the quicker one here, and the only one for int8."""

import cv2
import numpy as np

cv2.setNumThreads(1)

STEP = np.float32(1 / 255)


def open_model(model, how):
    network = cv2.dnn.readNetFromONNX(model, engine=cv2.dnn.ENGINE_CLASSIC)

    def prepare(image):
        return (image * STEP).reshape(1, 28, 28, 1)

    def bare(raw):
        network.setInput(raw)
        return network.forward()

    return {
        "predict": lambda image: bare(prepare(image)).argmax(),
        "prepare": prepare,
        "bare": bare,
    }
