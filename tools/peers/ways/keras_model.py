"""Keras on TensorFlow; `how` is predict, call, function or xla."""

import numpy as np
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

STEP = np.float32(1 / 255)


def open_model(model, how):
    network = tf.keras.models.load_model(model, compile=False)
    wanted = tf.TensorSpec((1, 28, 28, 1), tf.float32)
    compiled = tf.function(
        lambda batch: network(batch, training=False),
        input_signature=[wanted],
        jit_compile=how == "xla",
    )
    bare = {
        "predict": lambda raw: network.predict(raw, verbose=0),
        "call": lambda raw: np.asarray(network(raw, training=False)),
        "function": lambda raw: compiled(tf.constant(raw)).numpy(),
        "xla": lambda raw: compiled(tf.constant(raw)).numpy(),
    }[how]

    def prepare(image):
        return (image * STEP).reshape(1, 28, 28, 1)

    return {
        "predict": lambda image: bare(prepare(image)).argmax(),
        "prepare": prepare,
        "bare": bare,
    }
