"""The sections of a report, and for each that a bundle has nothing for, what would give it."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

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
        why: in one line, without an end.
        command: that would give it; empty where none would.
    """

    section: str
    why: str
    command: str = ""


def missing(material: Material) -> dict[str, Missing]:
    """Return what is lacking, by section."""
    place = quote(material.place)
    found = []
    bench = f"mnist-edge bench {place} --stress --out {place}/bench.json"
    if material.record is None:
        found += [Missing(key, "There is no bench.json", bench) for key in ("stress", "latency")]
    else:
        if not any(row.get("stress") for row in material.record["results"]):
            found.append(Missing("stress", "bench.json is of a bench without --stress", bench))
        if not any(row["latency"] for row in material.record["results"]):
            found.append(Missing("latency", "No model ran in the bench", bench))
    if not material.history:
        found.append(_no_history(material))
    if material.audit is None:
        export = f"mnist-edge export {place} --int8"
        found.append(Missing("layers", "There is no audit.json", export))
    found += _no_answers(material, place)
    return {each.section: each for each in found}


def _no_history(material: Material) -> Missing:
    recipe = material.training.get("recipe")
    command = f"mnist-edge train --recipe {quote(recipe)}" if recipe else ""
    why = "There is no history.csv" if recipe else "The network was trained elsewhere"
    return Missing("training", why, command)


def _no_answers(material: Material, place: str) -> list[Missing]:
    keys = ("confusion", "mistakes", "flips")
    again = f"mnist-edge report {place} --data DATA"
    if material.test is None:
        return [Missing(key, f"No test images: {material.why_no_images}", again) for key in keys]
    ran = [each for each in material.answers if each.probabilities is not None]
    if not ran:
        return [Missing(key, "No model ran here", "mnist-edge runtimes") for key in keys]
    found = []
    if material.test.truth is None:
        why = "Nobody said what the test images show"
        found += [Missing(key, why, again) for key in keys[:2]]
    if len(ran) < 2:
        export = f"mnist-edge export {place} --int8"
        found.append(Missing("flips", "There is one model only", export))
    return found
