"""What a bundle comes to, for those who have a minute: a line, two verdicts, six figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_edge.report import bench_cells as cells
from mnist_edge.report.bench_verdict import models, timings
from mnist_edge.report.page.model_rows import ABOUT, best_row, float_beside, speedup, times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_edge.report.page.material import Material

QUANTIZED = ("int8", "int16x8", "dynamic", "float16")


class Verdict(NamedTuple):
    """One of the two verdicts.

    Attributes:
        of: `Models` or `Timings`.
        state: `good`, `bad` or `open`.
        word: PASSED, FAILED, VALID, INVALID, or that nothing is known.
        reasons: what speaks for it or against it, a line each.
    """

    of: str
    state: str
    word: str
    reasons: tuple[str, ...] = ()


class Fact(NamedTuple):
    """A figure with what it is and what is to be known of it."""

    name: str
    value: str
    about: str = ""


def verdicts(material: Material) -> list[Verdict]:
    """Return whether the models hold, and the timings; both open where nothing was benched."""
    if material.record is None:
        return [
            Verdict("Models", "open", "not benched"),
            Verdict("Timings", "open", "not measured"),
        ]
    said, *held = models(material.record)
    word, _, rest = said.partition(", ")
    state = {"PASSED": "good", "FAILED": "bad"}.get(word, "open")
    of_models = Verdict("Models", state, word, tuple(_plain([rest, *held])))
    _, *reasons = timings(material.record)
    valid = bool(material.record["valid"])  # what speaks for it is among the checks, further down
    word = "VALID" if valid else "INVALID"
    of_times = Verdict("Timings", "good" if valid else "bad", word, tuple(_plain(reasons)))
    return [of_models, of_times]


def _plain(lines: list[str]) -> list[str]:
    found = (line.removeprefix("- ").strip() for line in lines)
    return [_begun(line) for line in found if line]


def _begun(line: str) -> str:
    """Return a line with a capital where it begins with a word, and not with a name."""
    first = line.partition(" ")[0]
    return f"{line[0].upper()}{line[1:]}" if first.isalpha() and first.islower() else line


def headline(material: Material) -> str:
    """Return in a sentence what quantizing brought and what it cost; or what there is instead."""
    row = best_row(material, ("int8",)) or best_row(material, QUANTIZED)
    if row is None:
        return _without_quantized(material)
    name = f"{cells.short_name(row)} on {row['runtime']}"
    beside = float_beside(material, row)
    if beside is None:
        return f"{name} answers in {cells.microseconds(row['latency']['predict_us']['p50'])} µs."
    gains = f"{_size(beside['bytes'] / row['bytes'])} and {_speed(*speedup(row, beside))}"
    return f"{name} is {gains} than float32. {_cost(row['parity'])}"


def _size(share: float) -> str:
    if share >= ABOUT:
        return f"{times(share)} smaller"
    return "no smaller" if share > 1 / ABOUT else f"{times(1 / share)} larger"


def _speed(value: float, interval: tuple[float, float] | None) -> str:
    low, high = interval or (value, value)
    if low > 1:
        return f"{value:.1f}× faster" if value >= 1.05 else f"{100 * (value - 1):.0f} % faster"
    if high < 1:
        back = 1 / value
        return f"{back:.1f}× slower" if back >= 1.05 else f"{100 * (back - 1):.0f} % slower"
    return "no faster"


def _cost(parity: Mapping[str, Any]) -> str:
    if parity["agreement"] is None:
        return "There was no float model to hold it against."
    samples = parity["samples"]
    changed = round((1 - parity["agreement"]) * samples)
    if not changed:
        return f"It decides each of {samples:,} test images as Keras does."
    wrong, right = parity["flips_to_wrong"], parity["flips_to_right"]
    said = f"It decides {changed:,} of {samples:,} test images otherwise than Keras"
    if wrong is None or right is None:
        return f"{said}."
    counts = ((wrong, "became wrong"), (right, "became right"),
              (changed - wrong - right, "wrong both ways"))  # fmt: skip
    return f"{said}: {', '.join(f'{count:,} {words}' for count, words in counts if count)}."


def _without_quantized(material: Material) -> str:
    if material.record is None:
        return "Nothing here was benched: what follows is what export and training found."
    return "No quantized model here ran in the bench."


def facts(material: Material) -> list[Fact]:
    """Return the figures that stand at the top."""
    training, found = material.training, []
    best = best_row(material, QUANTIZED) or best_row(material, ("float32",))
    accuracy = _accuracy(material, best)
    if accuracy is not None:
        found.append(accuracy)
    if best is not None:
        time = cells.microseconds(best["latency"]["predict_us"]["p50"])
        found.append(Fact("An image takes", f"{time} µs", f"p50, {cells.short_name(best)}, "
                          f"{best['runtime']}"))  # fmt: skip
    entries = [each for each in material.bundle.models if each.format != "keras"]
    if entries:
        small = min(entries, key=lambda each: each.bytes)
        size = cells.kilobytes({"bytes": small.bytes})
        name = cells.short_name({"model": small.file, "quantization": small.quantization})
        found.append(Fact("Smallest file", f"{size} kB", name))
    if training.get("parameters"):
        found.append(Fact("Parameters", f"{training['parameters']:,}"))
    return found


def _accuracy(material: Material, best: Mapping[str, Any] | None) -> Fact | None:
    if best is not None and best["parity"]["accuracy"] is not None:
        value, _, interval = cells.accuracy(best).partition(" ")
        about = f"{interval}, {cells.short_name(best)}, {best['parity']['samples']:,} test images"
        return Fact("Accuracy", f"{value} %", about.removeprefix(", "))
    stated = material.training.get("test_accuracy")
    return (
        None if stated is None else Fact("Accuracy", f"{100 * stated:.2f} %", "Keras, at training")
    )


def about(material: Material) -> list[Fact]:
    """Return what the bundle is, a line each."""
    bundle, training = material.bundle, material.training
    hyper, split = training.get("hyperparameters") or {}, training.get("split") or {}
    learnt = (training.get("dataset") or {}).get("name", "")
    parts = ("training", "validation", "calibration", "test")
    counts = ", ".join(f"{split[key]:,} {key}" for key in parts if split.get(key))
    height, width, channels = bundle.image_shape
    labels = ", ".join(bundle.labels[:12]) + (", …" if len(bundle.labels) > 12 else "")
    recipe = training.get("recipe") or training.get("file") or ""
    found = [
        Fact("Recipe" if training.get("recipe") else "Network", recipe, hyper.get("summary", "")),
        Fact("Learnt from", learnt, counts and f"{counts} images"),
        Fact("Takes", f"{height}×{width}×{channels}, uint8 0 to 255",
             str(bundle.manifest.get("input", {}).get("polarity", "")).replace("-", " ")),
        Fact("Says", f"one of {len(bundle.labels)} classes", labels),
        Fact("Meant for", training.get("intended_use", "")),
        Fact("Limits", training.get("limits", "")),
        Fact("Created", moment(bundle.manifest.get("created") or "")),
    ]  # fmt: skip
    return [each for each in found if each.value]


def moment(created: str) -> str:
    """Return a time that a record states, as people write it."""
    return created.replace("T", " ").replace("+00:00", " UTC").replace("Z", " UTC")
