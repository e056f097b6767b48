"""The sections of a report, and for each that a bundle has nothing for, what would give it."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from mnist_edge.report.page.commands import DATA, data_words

if TYPE_CHECKING:
    from mnist_edge.report.page.material import Material

SECTIONS = {
    "models": "Models",
    "training": "Training",
    "confusion": "Confusion matrix",
    "mistakes": "Mistakes",
    "flips": "Float against quantized",
    "layers": "Layer audit",
    "stress": "Under stress",
    "latency": "Latency",
    "machine": "Machine and versions",
    "embed": "Embed it",
    "reproduce": "Reproduce it",
}


class Missing(NamedTuple):
    """What a section lacks.

    Attributes:
        section: its key in SECTIONS.
        why: in one line, without an end; where no command would give it, what is needed.
        command: that would give it; empty where none would.
    """

    section: str
    why: str
    command: str = ""


def missing(
    material: Material, place: str | None = None, no_pad: str | None = None
) -> dict[str, Missing]:
    """Return what is lacking, by section.

    Args:
        material: of the report.
        place: the bundle's folder as commands are to name it; `material.place` by itself.
        no_pad: why there is no pad to draw on, as `pad.obstacle` says; None where that is not
            asked, or there is one.
    """
    place = quote(material.place if place is None else place)
    data = _with(data_words(material))
    found = []
    bench = f"mnist-edge bench {place} --stress{data} --out {place}/bench.json"
    if material.record is None:
        found += [Missing(key, "There is no bench.json", bench) for key in ("stress", "latency")]
    else:
        if not any(row.get("stress") for row in material.record["results"]):
            found.append(Missing("stress", "bench.json is of a bench without --stress", bench))
        if not any(row["latency"] for row in material.record["results"]):
            found.append(Missing("latency", "No model ran in the bench", bench))
    if not material.history:
        found.append(Missing("training", _no_history(material)))
    if material.audit is None:
        found.append(_exported(material, place, "layers", "There is no audit.json"))
    found += _no_answers(material, place)
    if no_pad is not None:
        found.append(_no_pad(material, place, no_pad))
    return {each.section: each for each in found}


def _with(words: list[str]) -> str:
    return "".join(f" {each}" for each in words)


def _exported(material: Material, place: str, section: str, why: str) -> Missing:
    """Return what an export would give; it needs the .keras model, which a bundle may lack."""
    if all(entry.format != "keras" for entry in material.bundle.models):
        need = "the .keras model that an export of it needs is not here either"
        return Missing(section, f"{why}, and {need}")
    data = _with(data_words(material))
    return Missing(section, why, f"mnist-edge export {place} --int8{data}")


def _no_history(material: Material) -> str:
    if "recipe" not in material.training:
        return "The network was trained elsewhere, and no history.csv is here"
    return (
        "There is no history.csv; training writes it, and training anew gives another network: "
        "copy it from the run that this was exported from"
    )


def _no_answers(material: Material, place: str) -> list[Missing]:
    keys = ("confusion", "mistakes", "flips")
    again = f"mnist-edge report {place} --data {DATA}"
    if material.test is None:
        return [Missing(key, f"No test images: {material.why_no_images}", again) for key in keys]
    ran = [each for each in material.answers if each.probabilities is not None]
    if not ran:
        why = "No model ran here: mnist-edge runtimes says what is to be installed"
        return [Missing(key, why) for key in keys]
    found = []
    if material.test.truth is None:
        why = f"Nobody said what the test images show: {DATA} has to have labels"
        found += [Missing(key, why, again) for key in keys[:2]]
    if len(ran) < 2 and len(material.answers) > 1:
        why = "One model alone ran here: mnist-edge runtimes says what is to be installed"
        found.append(Missing("flips", why))
    elif len(ran) < 2:
        found.append(_exported(material, place, "flips", "There is one model only"))
    return found


def _no_pad(material: Material, place: str, why: str) -> Missing:
    kinds = {(entry.format, entry.quantization) for entry in material.bundle.models}
    if ("tflite", "int8") in kinds:
        return Missing("try", why)
    return _exported(material, place, "try", "There is no int8 .tflite, which is what runs here")
