import numpy as np
import pytest

FACTOR = 1000
CHANNEL = 2


def small_network():
    """Three convolutions, a pool and a softmax, whose weights are random."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    image = keras.Input((14, 14, 1), name="image")
    x = layers.Conv2D(8, 3, activation="relu", name="first")(image)
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="second")(x)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="third")(x)
    x = layers.Flatten(name="flat")(x)
    return keras.Model(image, layers.Dense(5, activation="softmax", name="answer")(x))


def scaled(model, layer, following, factor):
    """Scale one channel of what `layer` gives; `following` divides it again: the same function."""
    kernel, bias = model.get_layer(layer).get_weights()
    kernel[..., CHANNEL] *= factor
    bias[CHANNEL] *= factor
    model.get_layer(layer).set_weights([kernel, bias])
    kernel, bias = model.get_layer(following).get_weights()
    kernel[:, :, CHANNEL] /= factor
    model.get_layer(following).set_weights([kernel, bias])
    return model


class Workshop:
    """Makes quantized files of a small network and audits them."""

    def __init__(self, model):
        from mnist_edge.export.calibration import Pool

        random = np.random.default_rng(0)
        images = random.random((48, 14, 14, 1), np.float32)
        self.model = model
        self.images = images[:24]
        self._pool = Pool(images, None, images[:0], 5, "train", 0)
        self._families = {}

    def family(self, model_format):
        from mnist_edge.export.family import Family

        if model_format not in self._families:
            self._families[model_format] = Family(model_format, self.model, self._pool)
        return self._families[model_format]

    def make(self, model_format, quantization, **options):
        from mnist_edge.export.plan import Target

        if quantization == "int8":
            options = {"granularity": "per-channel", "method": "minmax", **options}
            options.setdefault("io", "int8" if model_format == "tflite" else "float32")
        elif quantization == "int16x8":
            options = {"io": "int16", "granularity": "per-channel", "method": "minmax"}
        return self.family(model_format).make(Target(model_format, quantization, **options))

    def audit(self, model_format, quantization, **options):
        content = self.make(model_format, quantization, **options)
        return self.audit_file(model_format, content, quantization)

    def audit_file(self, model_format, content, quantization="int8"):
        from mnist_edge.export.activations import trace
        from mnist_edge.export.audit import audit
        from mnist_edge.export.layers import layer_names

        original = self.family(model_format).float32
        few = self.images[:4]
        names = layer_names(self.model, trace(model_format, original, few), few)
        return audit(original, content, model_format, quantization, self.images, names)


@pytest.fixture(scope="session")
def workshop():
    """Of a network as it should be."""
    return Workshop(small_network())


@pytest.fixture(scope="session")
def loud():
    """Of one with a channel of what `second` gives a thousand times the others."""
    return Workshop(scaled(small_network(), "second", "third", FACTOR))


@pytest.fixture(scope="session")
def heavy():
    """Of one whose `third` has weights for one input channel a thousand times the others."""
    return Workshop(scaled(small_network(), "second", "third", 1 / FACTOR))
