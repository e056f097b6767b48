"""Is the exported model still the model, and how fast is it here: parity and latency."""

from mnist_edge.bench.compare import compare as compare_records
from mnist_edge.bench.gates import Gate, gate_for
from mnist_edge.bench.judgement import Judgement
from mnist_edge.bench.parity import Parity, compare
from mnist_edge.bench.record import Record
from mnist_edge.bench.settings import Settings
from mnist_edge.bench.suite import run_suite

__all__ = [
    "Gate",
    "Judgement",
    "Parity",
    "Record",
    "Settings",
    "compare",
    "compare_records",
    "gate_for",
    "run_suite",
]
