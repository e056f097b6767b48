"""`mnist-edge export`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.cells import cell_len, set_cell_size

from mnist_edge.bench.advice import lines
from mnist_edge.bench.targets import TARGETS, check_names
from mnist_edge.bundle import check_replaceable, read_bundle
from mnist_edge.cli import completion, console, own_model
from mnist_edge.cli.progress import working
from mnist_edge.data import Split, stratified_split
from mnist_edge.errors import BundleError, DataError, MissingExtraError, SettingError
from mnist_edge.export import plan
from mnist_edge.export.calibration import COUNT
from mnist_edge.export.ranges import PERCENTILE

if TYPE_CHECKING:
    from mnist_edge.bench.advice import Worth
    from mnist_edge.bundle import Bundle
    from mnist_edge.data import Dataset


LITTLE = 1.5  # times chance: what a model that knows its classes would leave behind


def export(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN",
            help="Folder of a run, or a .keras file of one's own [default: the newest run].",
            autocompletion=completion.model,
        ),
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Add int8 TFLite and int8 ONNX.")] = False,
    float16: Annotated[bool, typer.Option("--float16", help="Add float16 TFLite.")] = False,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Add dynamic-range TFLite and ONNX.")
    ] = False,
    int16x8: Annotated[
        bool, typer.Option("--int16x8", help="Add TFLite with int16 activations, int8 weights.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Add all of these.")] = False,
    model_format: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="tflite or onnx alone; may be repeated [default: both].",
            autocompletion=completion.among(*plan.FORMATS),
        ),
    ] = None,
    io: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DTYPE",
            help=f"Input and output: {', '.join(plan.DTYPES)}; may be repeated.",
            autocompletion=completion.among(*plan.DTYPES),
        ),
    ] = None,
    granularity: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help=f"Scales of weights: {', '.join(plan.CHANNELS)}; may be repeated.",
            autocompletion=completion.among(*plan.CHANNELS),
        ),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help=f"Of calibration: {', '.join(plan.CALIBRATED)}; may be repeated.",
            autocompletion=completion.among(*plan.CALIBRATED),
        ),
    ] = None,
    percentile: Annotated[
        float | None,
        typer.Option(
            metavar="PERCENT", help=f"Values that method percentile keeps [default: {PERCENTILE}]."
        ),
    ] = None,
    calibration_count: Annotated[
        int | None,
        typer.Option(
            metavar="N", help=f"Training images that decide quantized ranges [default: {COUNT}]."
        ),
    ] = None,
    max_drop: Annotated[
        float | None,
        typer.Option(
            metavar="POINTS",
            help="Points of validation accuracy that quantization may cost; ways are tried until "
            "it holds, or exit code 1.",
        ),
    ] = None,
    c_array: Annotated[
        bool,
        typer.Option("--c-array", help="Write int8 TFLite as C source, for microcontrollers."),
    ] = False,
    timing: Annotated[
        bool, typer.Option(help="Time each quantized model against the float one.")
    ] = True,
    meant_for: Annotated[
        list[str] | None,
        typer.Option(
            "--for",
            metavar="NAME",
            autocompletion=completion.among(*TARGETS),
            help=f"Runtimes whose oldest supported version must take it [default: "
            f"{', '.join(TARGETS)}].",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            "--calibration",
            metavar="NAME|PATH",
            autocompletion=completion.data,
            help="What the run learnt from, if it was one's own; for a .keras file, images like "
            "those it learnt from: an .npz or a folder of class folders.",
        ),
    ] = None,
    input_range: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="LOW HIGH",
            help="Of pixels, as a .keras file of one's own takes them [default: 0 1].",
        ),
    ] = None,
    softmax: Annotated[
        bool, typer.Option("--softmax", help="Append one to a .keras file that gives logits.")
    ] = False,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME",
            help="Names of a .keras file's classes, by comma, or a file of lines.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Bundle folder [default: the run's, or artifacts/runs/NAME]."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Export a run to TFLite and ONNX, float and quantized.

    Without a flag, float32 alone. Every file is held against Keras on every test image, and what
    is broken is refused. RUN may be any Keras 3 image classifier, as a .keras file.

    Example: mnist-edge export artifacts/runs/edge --int8 --max-drop 0.1
    Example: mnist-edge export my.keras --calibration my.npz --int8
    """
    asked = {"int8": int8, "float16": float16, "dynamic": dynamic, "int16x8": int16x8}
    wanted = plan.Wanted(
        tuple(name for name, said in asked.items() if said or everything),
        tuple(model_format or plan.FORMATS),
        tuple(io or ()),
        tuple(granularity or ()),
        tuple(method or ()),
        percentile,
    )
    targets = plan.targets(wanted)
    if c_array and not any(each.c_array for each in targets):
        raise SettingError(
            "c-array is for TFLite with int8 input and output, which was not asked for: say "
            "--int8, with --format tflite and --io int8 where others are named"
        )
    if max_drop is not None and not 0 <= max_drop <= 100:
        raise SettingError(f"max-drop is {max_drop}; wanted percentage points, 0 to 100")
    if max_drop is not None and not wanted.quantizations:
        raise SettingError("max-drop is for quantized models, and none was asked for: add --int8")
    if calibration_count is not None and calibration_count < 1:
        raise SettingError(f"calibration-count is {calibration_count}; wanted 1 or more")
    meant = [name for given in meant_for or TARGETS for name in given.split(",")]
    check_names(meant)
    own = own_model.Options(data, labels, input_range, softmax)
    with TemporaryDirectory() as adopted:
        bundle, dataset, out = _source(run, own, Path(adopted), out)
        check_replaceable(out)  # before anything that takes long
        keras_files = [entry.file for entry in bundle.models if entry.format == "keras"]
        if not keras_files:
            raise BundleError(f"{bundle.folder} has no .keras model: train it anew")
        with console.starting_tensorflow("export"):
            from mnist_edge.export.exporter import export as run_export
            from mnist_edge.export.writer import Control
        from mnist_edge.bench.exported import ExportCheck
        from mnist_edge.bench.worth import worth

        keras_file = bundle.folder / keras_files[0]
        with working("running Keras on the images to be judged on") as tell:
            control = None
            if max_drop is not None:
                held = _validation(bundle, dataset)
                control = Control(max_drop, ExportCheck(keras_file, held, "validation", meant))
            exported = run_export(
                bundle,
                dataset,
                out,
                targets,
                ExportCheck(keras_file, dataset.test, targets=meant),
                calibration_count=calibration_count,
                control=control,
                c_arrays=c_array,
                draw=_draw,
                say=lambda what: tell(f"exporting {what}"),
                note=console.say,
            )
            made = _made_now(exported, bundle, {each.file(bundle.name) for each in targets})
            verdicts = worth(made, tell, max_drop=max_drop) if timing else []
    if json:
        console.print_json({**exported.manifest, "worth": [each.as_dict() for each in verdicts]})
        return
    _show(exported, verdicts)


def _show(exported: Bundle, verdicts: list[Worth]) -> None:
    """Print what was made, and what each quantized model is good for."""
    known = [
        each.parity for each in exported.models if each.parity.get("reference_accuracy") is not None
    ]
    if exported.manifest["training"].get("source") and known:
        file, share = exported.manifest["training"]["file"], known[-1]["reference_accuracy"]
        console.tell(f"{file} itself names {100 * share:.2f} % of {known[-1]['samples']:,} rightly")
        if share < LITTLE / len(exported.labels):
            console.say(
                f"that is what chance would give: are its classes in this order? "
                f"{', '.join(exported.labels[:5])}: say the model's own order with --labels"
            )
    judged = [entry for entry in exported.models if entry.parity]
    longest = max((cell_len(entry.file) for entry in judged), default=0)
    for entry in judged:
        console.tell(
            f"{set_cell_size(entry.file, longest)} {entry.bytes / 1000:7.1f} kB  agrees with Keras "
            f"on {100 * entry.parity['agreement']:.2f} % of {entry.parity['samples']:,}"
        )
    for line in lines(verdicts, min(console.out.width, 100)):
        console.out.print(line, soft_wrap=True)
    console.out.print(f"bundle: {exported.folder}", soft_wrap=True)


def _made_now(exported: Bundle, before: Bundle, asked: set[str]) -> Bundle:
    """Return a bundle's float models and those that this export made: what is to be timed."""
    kept = {entry.file for entry in before.models} - asked
    return exported._replace(
        models=tuple(
            entry
            for entry in exported.models
            if entry.quantization == "float32" or entry.file not in kept
        )
    )


def _draw(path: Path, document: dict[str, Any]) -> None:
    """Put the picture of an audit to `path`, or say why there is none."""
    from mnist_edge.report.audit_picture import save_audit_picture

    try:
        save_audit_picture(path, document)
    except MissingExtraError as error:
        console.say(f"no picture: {error}")


def _source(
    run: Path | None, own: own_model.Options, adopted: Path, out: Path | None
) -> tuple[Bundle, Dataset, Path]:
    """Return the run to export, its images and where to: a .keras file becomes a run first."""
    if run is not None and (run.is_file() or run.suffix == ".keras"):
        bundle, dataset = own_model.adopted(run, own, adopted)
        return bundle, dataset, out or console.RUNS / bundle.name
    folder = run or console.newest_run()
    own.refuse_for_run(folder)
    bundle = read_bundle(folder)
    return bundle, console.load_for(bundle, own.calibration), out or folder


def _validation(bundle: Bundle, dataset: Dataset) -> Split:
    """Return the training images that the run held out and never learnt from."""
    hyper = bundle.manifest["training"]["hyperparameters"]
    train, seed = dataset.train, hyper.get("split_seed")
    _, held = stratified_split(
        train.labels, hyper["validation_share"], hyper["seed"] if seed is None else seed
    )
    if not len(held):
        raise DataError(
            f"{bundle.folder} held out no validation images, which max-drop judges on: "
            "train it with a validation share"
        )
    return Split(train.images[held], train.labels[held])
