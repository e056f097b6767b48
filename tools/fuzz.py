"""Give damaged files and odd arrays to mnist_edge, and tell what came of each.

    python tools/fuzz.py                                    # every kind but the optional ones
    python tools/fuzz.py --kind litert --cases 20000 --jobs 2
    python tools/fuzz.py --kind tflite-runtime              # in .venv-bare, or by --python
    python tools/fuzz.py --replay litert 123                # one case again, in this process

A case is a pure function of its kind and its number, so a run can be stopped and begun again, and
each failure replayed. Workers are processes of their own with a limit on memory and time.

Answered rightly and refused in one line are well; a crash, a hang, a flood of memory, another
exception, a warning, a wrong answer, or a model opened that its manifest's hash denies is a
failure. Exit code 1 if anything failed.

More models to damage, of every quantization:
    mnist-edge export artifacts/edge --all --out artifacts/runs/fuzz
    python tools/fuzz.py --kind litert --models artifacts/edge artifacts/runs/fuzz
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from fuzzing.judging import ANSWERED, FAILED, REFUSED, Kind  # noqa: E402
from fuzzing.running import Result, Worker, run_all, run_case, work  # noqa: E402

from mnist_edge.bundle import installed_versions  # noqa: E402
from mnist_edge.digest import sha256_hex  # noqa: E402

KINDS = ("bundle", "litert", "onnxruntime", "arrays", "pictures")
NEED_TENSORFLOW = ("tensorflow-lite", "keras")
OPTIONAL = ("tflite-runtime", *NEED_TENSORFLOW)
SUFFIXES = {"onnxruntime": ".onnx", "keras": ".keras"}
PYTHONS = {"tflite-runtime": ROOT / ".venv-bare" / "tflite-runtime" / "bin" / "python"}
TENSORFLOW_GB = 28  # of addresses, most of which it never uses
PACKAGES = ("numpy", "ai-edge-litert", "tflite-runtime", "onnxruntime", "tensorflow-cpu", "pillow")


def kind_of(name: str, folders: list[Path]) -> Kind:
    """Return a kind of case by its name, made from the sound models and samples in `folders`."""
    from fuzzing.arrays import OddArrays
    from fuzzing.bundles import DamagedBundle
    from fuzzing.models import LoneModel

    if name == "bundle":
        return DamagedBundle(ROOT / "mnist_edge" / "shipped" / "edge")
    if name == "pictures":
        from fuzzing.pictures import DamagedPicture

        return DamagedPicture(folders[0] / "golden.npz")
    files = [path for folder in folders for path in sorted(folder.iterdir())]
    if name == "arrays":
        return OddArrays(files, {".tflite": "litert", ".onnx": "onnxruntime"})
    return LoneModel(name, SUFFIXES.get(name, ".tflite"), files)


def main() -> int:
    """Run what the command line says; return the exit code."""
    options = _parser().parse_args()
    if options.worker:
        needs = options.worker in NEED_TENSORFLOW
        memory_gb = options.memory + TENSORFLOW_GB * needs
        work(kind_of(options.worker, options.models), memory_gb, tensorflow=needs)
        return 0
    if options.replay:
        return _replay(*options.replay, options.models)
    kinds: dict[str, dict[str, Any]] = {}
    failures = []
    for name in options.kind or KINDS:
        started = time.monotonic()
        results, whole = _run(name, options)
        came = Counter(result.outcome for result in results)
        kinds[name] = {word: came[word] for word in (ANSWERED, REFUSED, FAILED)}
        kinds[name]["seconds"] = round(time.monotonic() - started)
        failures += [_failure(name, each, options) for each in results if each.outcome == FAILED]
        if not whole:
            break
    record = {
        "schema": 1,
        "command": ["tools/fuzz.py", *sys.argv[1:]],
        "seed": options.seed,
        "versions": installed_versions(PACKAGES),
        "models": {
            f"{folder.name}/{path.name}": sha256_hex(path.read_bytes())
            for folder in options.models
            for path in sorted(folder.iterdir())
            if path.suffix in (".tflite", ".onnx", ".keras")
        },
        "kinds": kinds,
        "failures": failures,
    }
    print(json.dumps(record, indent=1)) if options.json else _show(kinds, failures)
    return 1 if failures else 0


def _run(name: str, options: argparse.Namespace) -> tuple[list[Result], bool]:
    """Run one kind's cases; return what came, and whether none was left out by Ctrl-C."""
    python = options.python or PYTHONS.get(name, sys.executable)
    command = [str(python), __file__, "--worker", name, "--memory", str(options.memory)]
    command += ["--models", *map(str, options.models)]
    first = options.seed * 1_000_000
    workers = [Worker(command, options.timeout) for _ in range(options.jobs)]
    return run_all(workers, range(first, first + options.cases), f"{name}: ")


def _failure(name: str, result: Result, options: argparse.Namespace) -> dict[str, Any]:
    """Return a failure as the record has it; keep its files if that is wanted."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep / f"{name}-{result.seed}" if options.keep else Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        words = kind_of(name, options.models).make(result.seed, folder)
    return {"kind": name, "seed": result.seed, "case": words, "detail": result.detail}


def _replay(name: str, seed: str, folders: list[Path]) -> int:
    kind = kind_of(name, folders)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        print(kind.make(int(seed), Path(one)), flush=True)  # before what may be a crash
        outcome = run_case(kind, int(seed), Path(other))
    print(f"{outcome.outcome}: {outcome.detail}")
    return outcome.outcome == FAILED


def _show(kinds: dict[str, dict[str, Any]], failures: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("Kind", *(word.capitalize() for word in (ANSWERED, REFUSED, FAILED, "seconds")))
    for name, found in kinds.items():
        table.add_row(name, *(f"{number:,}" for number in found.values()))
    console.print(table)
    for each in failures:
        line = f"{each['kind']} {each['seed']}: {each['detail']} | {each['case']}"
        console.print(line, markup=False, highlight=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", action="append", choices=KINDS + OPTIONAL)
    parser.add_argument("--cases", type=int, default=5000, help="of each kind")
    parser.add_argument("--seed", type=int, default=0, help="case numbers begin at a million times")
    parser.add_argument("--jobs", type=int, default=1, help="workers side by side")
    parser.add_argument("--timeout", type=float, default=20, help="seconds; longer is a hang")
    parser.add_argument("--memory", type=float, default=4, help="GB that a worker may ask for")
    parser.add_argument("--models", type=Path, nargs="+", default=[ROOT / "artifacts" / "edge"])
    parser.add_argument("--python", help="of the workers, with mnist_edge's needs installed")
    parser.add_argument("--json", action="store_true", help="one document instead of a table")
    parser.add_argument("--keep", type=Path, help="folder for the files of what failed")
    parser.add_argument("--replay", nargs=2, metavar=("KIND", "NUMBER"))
    parser.add_argument("--worker", choices=KINDS + OPTIONAL, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
