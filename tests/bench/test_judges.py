from pathlib import Path

import numpy as np

from mnist_edge.bench.candidates import LONE, Candidate
from mnist_edge.bench.judges import Judge

ANSWERS = np.eye(10, dtype=np.float32)


def candidate(name, runtime, threads=1):
    return Candidate(Path(name), "float32", runtime, LONE, threads)


def test_a_model_judges_itself_on_its_own_runtime_alone():
    judge = Judge(ANSWERS, candidate("a-float32.tflite", "litert"))
    assert judge.name == "a-float32.tflite"
    assert not judge.by_keras
    assert judge.is_model(candidate("a-float32.tflite", "litert", threads=4))
    assert not judge.is_model(candidate("a-float32.tflite", "tensorflow-lite"))
    assert not judge.is_model(candidate("b-float32.tflite", "litert"))
    assert not judge.is_model(candidate("elsewhere/a-float32.tflite", "litert"))


def test_keras_judges_whether_it_runs_or_spoke_at_export():
    assert Judge(ANSWERS, candidate("a.keras", "keras")).by_keras
    stored = Judge(ANSWERS, None)
    assert stored.by_keras
    assert stored.name == "reference.npz"
    assert not stored.is_model(candidate("a.keras", "keras"))
