"""mnist_edge; `how` is the runtime."""

from mnist_edge import Classifier


def open_model(model, how):
    classifier = Classifier.open(model, runtime=how, threads=1)
    return {
        "predict": lambda image: classifier.predict(image).label,
        "prepare": classifier.backend.encode,
        "bare": classifier.backend.invoke,
    }
