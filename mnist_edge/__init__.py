"""A handwritten-digit classifier from training to a Raspberry Pi, with nothing lost on the way.

    from mnist_edge import Classifier
    with Classifier.open() as clf:
        print(clf.predict(image).label)

Importing this package needs numpy and nothing else.
"""

from mnist_edge.backends import Backend, open_backend, runtimes
from mnist_edge.classifier import Classifier, Prediction
from mnist_edge.errors import (
    BundleError,
    CheckFailed,
    DataError,
    HostError,
    InputError,
    MissingExtraError,
    MnistEdgeError,
    ModelError,
    OutputError,
    SettingError,
)
from mnist_edge.quantize import QuantParams, TensorSpec

__version__ = "0.1.0"

__all__ = [
    "Backend",
    "BundleError",
    "CheckFailed",
    "Classifier",
    "DataError",
    "HostError",
    "InputError",
    "MissingExtraError",
    "MnistEdgeError",
    "ModelError",
    "OutputError",
    "Prediction",
    "QuantParams",
    "SettingError",
    "TensorSpec",
    "__version__",
    "open_backend",
    "runtimes",
]
