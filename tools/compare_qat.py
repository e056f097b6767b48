"""What quantization-aware training is worth: int8 after training, against int8 trained for.

    python tools/compare_qat.py [--epochs 2] [--learning-rate 1e-4] [--json FILE] [RUN ...]

RUN is a folder with a trained run; without any: artifacts/edge, and each run of a recipe that is
under artifacts/runs. Of each, four int8 TensorFlow Lite files are made and run by LiteRT:

- post_training: of the run, calibrated;
- float_fine_tuned: the run trained on for as many epochs in float32, then calibrated: the control,
  as more training alone may help;
- quantization_aware: the run fine-tuned by mnist-edge finetune;
- and the last as ONNX, by ONNX Runtime, for its agreement with the fake-quantized Keras model.

The first run is tried in harder settings too: one channel of a convolution a hundred or a thousand
times as large as it was, and its readers as much smaller, which is the same network in float32.

Whether it helps is decided on the validation images: its flips to right against its flips to wrong,
each way of making the file against the other, by McNemar's exact test. The test images are shown.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from large_channel import with_large_channel

from mnist_edge.atomic import write_file
from mnist_edge.backends import open_backend
from mnist_edge.bench.parity import compare
from mnist_edge.bundle import MANIFEST, Bundle, read_bundle
from mnist_edge.data import Dataset, load
from mnist_edge.preprocess import to_unit
from mnist_edge.training.recipe import from_dict
from mnist_edge.training.recipes import RECIPES

ROOT = Path(__file__).parent.parent
CHANNELS = ("per-channel", "per-tensor")
HARDER = ((100.0, CHANNELS[1]), (1000.0, CHANNELS[0]), (1000.0, CHANNELS[1]))
CERTAIN = 0.05  # p below which a difference is taken for one


def main() -> None:
    """Compare, print and write down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    folders = asked.runs or [
        ROOT / "artifacts" / "edge",
        *(
            folder
            for name in RECIPES
            if (folder := ROOT / "artifacts" / "runs" / name).joinpath(MANIFEST).is_file()
        ),
    ]
    dataset, rows = load("mnist"), []
    settings = [(folder, 1.0, CHANNELS[0]) for folder in folders]
    settings += [(folders[0], factor, granularity) for factor, granularity in HARDER]
    for folder, factor, granularity in settings:
        with tempfile.TemporaryDirectory() as scratch:
            run = read_bundle(folder)
            if factor != 1:
                run = with_large_channel(run, factor, Path(scratch) / "harder")
            row = measure(
                run, dataset, granularity, Path(scratch), asked.epochs, asked.learning_rate
            )
        row = {"run": folder.name, "channel_times": factor, "granularity": granularity, **row}
        rows.append(row)
        print_row(row)
        if asked.json:
            record = {
                "schema": 1,
                "command": shlex.join(["python", "tools/compare_qat.py", *sys.argv[1:]]),
                "epochs": asked.epochs,
                "learning_rate": asked.learning_rate,
                "decided_on": "validation",
                "rows": rows,
            }
            write_file(asked.json, json.dumps(record, indent=1) + "\n")


def measure(
    run: Bundle,
    dataset: Dataset,
    granularity: str,
    scratch: Path,
    epochs: int,
    learning_rate: float,
) -> dict[str, Any]:
    """Return the accuracies of the three ways, how they differ, and the agreement."""
    import keras

    from mnist_edge.export.calibration import of_run
    from mnist_edge.export.family import Family
    from mnist_edge.export.learnt import agreement, fake_quantized, layer_ranges
    from mnist_edge.export.plan import VALID, Target
    from mnist_edge.training.epoch import predict
    from mnist_edge.training.finetune import finetune
    from mnist_edge.training.fold import fold
    from mnist_edge.training.further import train_further
    from mnist_edge.training.watch import Watcher

    recipe = from_dict(run.manifest["training"]["hyperparameters"])
    train, test = dataset.train, dataset.test
    _, held = recipe.split(train.labels)
    images = np.concatenate([train.images[held], test.images])
    labels = np.concatenate([train.labels[held], test.labels])
    pool = of_run(dataset, recipe.validation_share, recipe.seed, recipe.split_seed)

    def keras_model(of: Bundle) -> Any:
        file = next(entry.file for entry in of.models if entry.format == "keras")
        return keras.saving.load_model(of.folder / file, compile=False)

    def answers(model: Any, form: str, learnt: dict[str, Any]) -> np.ndarray:
        io = VALID[form, "int8"].io[0]
        target = Target(form, "int8", io, granularity, "minmax", count=500)
        path = scratch / f"model.{form}"
        path.write_bytes(Family(form, model, pool, learnt).make(target))
        with open_backend(path) as backend:
            return backend.infer(images)

    tuned = finetune(
        run,
        dataset,
        scratch / "tuned",
        epochs=epochs,
        learning_rate=learning_rate,
        per_channel=granularity == CHANNELS[0],
    )
    aware = read_bundle(tuned.folder)
    control = fold(keras_model(run))
    train_further(
        control,
        recipe,
        dataset,
        epochs=epochs,
        learning_rate=learning_rate,
        says=lambda model, inputs: np.asarray(model.predict(inputs, verbose=0)),
        watcher=Watcher(),
    )
    learnt = layer_ranges(aware)
    said = {
        "float32": predict(fold(keras_model(run)), images),
        "post_training": answers(keras_model(run), "tflite", {}),
        "float_fine_tuned": answers(control, "tflite", {}),
        "quantization_aware": answers(keras_model(aware), "tflite", learnt),
    }
    fake, inputs = fake_quantized(aware, keras_model(aware)), to_unit(images[..., None])
    onnx = answers(keras_model(aware), "onnx", learnt)
    tested = slice(len(held), None)
    alike = {
        "tflite": agreement(fake, inputs[tested], said["quantization_aware"][tested]),
        "onnx": agreement(fake, inputs[tested], onnx[tested]),
    }
    about = aware.manifest["training"]["quantization_aware"]
    row: dict[str, Any] = {"agreement_with_fake_quantized": alike, "narrowed": about["narrowed"]}
    for split, part in (("validation", slice(None, len(held))), ("test", tested)):
        truth = labels[part]
        row[split] = {
            "images": len(truth),
            "accuracy": {
                name: float((each[part].argmax(1) == truth).mean()) for name, each in said.items()
            },
        }
        for other in ("float32", "post_training", "float_fine_tuned"):
            found = compare(said[other][part], said["quantization_aware"][part], truth)
            row[split][f"against_{other}"] = {
                "agreement": found.agreement,
                "flips_to_right": found.flips_to_right,
                "flips_to_wrong": found.flips_to_wrong,
                "mcnemar_p": found.mcnemar_p,
            }
    judged = row["validation"]
    row["helps"] = all(
        each["mcnemar_p"] < CERTAIN and each["flips_to_right"] > each["flips_to_wrong"]
        for each in (judged["against_post_training"], judged["against_float_fine_tuned"])
    )
    return row


def print_row(row: dict[str, Any]) -> None:
    """Print what was found, in a few lines."""
    times = "" if row["channel_times"] == 1 else f", one channel x{row['channel_times']:g}"
    print(f"{row['run']}, {row['granularity']}{times}:")
    for split in ("validation", "test"):
        found = row[split]
        accuracies = "  ".join(
            f"{name} {100 * value:.2f}" for name, value in found["accuracy"].items()
        )
        print(f"  {split} accuracy %: {accuracies}")
        for other in ("post_training", "float_fine_tuned"):
            each = found[f"against_{other}"]
            print(
                f"    quantization-aware against {other}: {each['flips_to_right']} to right, "
                f"{each['flips_to_wrong']} to wrong, p {each['mcnemar_p']:.3g}"
            )
    alike = row["agreement_with_fake_quantized"]
    print(
        f"  agrees with the fake-quantized model: tflite {100 * alike['tflite']:.2f} %, "
        f"onnx {100 * alike['onnx']:.2f} % of the test images"
    )
    print(f"  helps, by validation: {'yes' if row['helps'] else 'no'}", flush=True)


if __name__ == "__main__":
    main()
