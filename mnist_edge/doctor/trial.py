"""Open a bundle and answer once, in a process of its own: a crash of a runtime is its own, too.

    python -m mnist_edge.doctor.trial FOLDER

Runtimes are built for newer processors than some boards have, and then end the whole process.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from mnist_edge.classifier import Classifier
from mnist_edge.errors import MnistEdgeError


def main() -> None:
    """Open the folder named on the command line; print what came of it as a line of JSON."""
    try:
        with Classifier.open(sys.argv[1]) as classifier:
            classifier.predict(np.zeros(classifier.backend.image_shape, np.uint8))
            said = {
                "model": classifier.path.name,
                "runtime": classifier.backend.runtime,
                "passed_over": classifier.backend.passed_over,
            }
    except MnistEdgeError as error:
        said = {"error": str(error)}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
