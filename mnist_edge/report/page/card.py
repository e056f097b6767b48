"""The report as Markdown: a model card, without the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_edge.report import bench_cells
from mnist_edge.report.bench_words import legend, machine, what, words_on_decisions
from mnist_edge.report.layout import Column, Row
from mnist_edge.report.page import conditions, usage
from mnist_edge.report.page.answers import names_of, reference_of
from mnist_edge.report.page.card_text import fact_lines, plain, snippets, table, tag_free
from mnist_edge.report.page.case import Case, voices
from mnist_edge.report.page.cases import flipped, mistakes
from mnist_edge.report.page.decisions import matrices
from mnist_edge.report.page.layers import HEADS, MEANING, audited
from mnist_edge.report.page.model_rows import as_table, model_rows
from mnist_edge.report.page.sections import SECTIONS, Missing, missing
from mnist_edge.report.page.verdict import about, facts, headline, verdicts
from mnist_edge.report.stress_table import stress_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_edge.report.page.material import Material

UNFOLDED = 10_000
CASES = 12  # mistakes that are listed


def markdown(material: Material) -> str:
    """Return a report as GitHub's Markdown; the same of the same material."""
    lines = [f"# {plain(material.bundle.name)}", "", plain(headline(material)), ""]
    for each in verdicts(material):
        lines.append(f"- **{each.of}: {plain(each.word)}**")
        lines += [f"  - {plain(reason)}" for reason in each.reasons]
    lines += ["", *fact_lines([*facts(material), *about(material)])]
    lines += [line for note in material.notes for line in ("", f"> {plain(note)}")]
    lacking = missing(material)
    for key, title in SECTIONS.items():
        lines += ["", f"## {title}", ""]
        if key in lacking:
            lines.append(_lacking(lacking[key]))
        if key not in lacking or key == "models":
            lines += _WRITERS[key](material)
    return "\n".join(lines).rstrip() + "\n"


def _lacking(lack: Missing) -> str:
    gives = f" This would give it: `{lack.command}`" if lack.command else ""
    return f"{plain(lack.why)}.{gives}"


def _models(material: Material) -> list[str]:
    lines = table(*as_table(model_rows(material)))
    if material.record is None:
        return [*lines, "", "As export found them; nothing was benched."]
    said = [what(material.record), f"On {machine(material.record)}.", *legend(material.record)]
    decisions = words_on_decisions(material.record, UNFOLDED)
    return [*lines, "", plain(" ".join(said)), *(f"\n- {plain(each)}" for each in decisions)]


def _training(material: Material) -> list[str]:
    first, last = material.history[0], material.history[-1]
    keys = [key for key in ("loss", "accuracy", "val_loss", "val_accuracy") if key in last]
    columns = [Column(("Epoch", "")), *(Column((key.replace("val_", "validation "), ""))
               for key in keys)]  # fmt: skip
    rows = [
        Row((f"{each['epoch']:g}", *(f"{each[key]:.4g}" if key in each else "" for key in keys)))
        for each in ((first, last) if first is not last else (last,))
    ]
    return table(columns, rows)


def _confusion(material: Material) -> list[str]:
    lines: list[str] = []
    labels = material.bundle.labels
    for matrix in matrices(material):
        wrong = f"{matrix.wrong:,} of {matrix.total:,} test images named wrongly"
        lines += ["", f"### {plain(matrix.title)}: {wrong}", ""]
        if not matrix.cells:
            continue
        columns = [Column(("shows \\ named", ""), left=True)]
        columns += [Column((label, "")) for label in labels]
        rows = [
            Row((labels[place], *(f"{cell.count:,}" if cell.count else " " for cell in row)))
            for place, row in enumerate(matrix.cells)
        ]
        lines += table(columns, rows)
    return lines[1:]


def _mistakes(material: Material) -> list[str]:
    found = mistakes(material)
    if found is None:
        return []
    said = f"{found.count:,} test images are named wrongly by {plain(found.model)}"
    if not found.count:
        return [f"{said}."]
    return [f"{said}; those of which it was surest:", "", *_cases(material, found.cases[:CASES])]


def _flips(material: Material) -> list[str]:
    groups = flipped(material)
    if not groups:
        every = [each for each in material.answers if each.probabilities is not None]
        return [f"No decision changed: {plain(names_of(every))} name every test image alike."]
    lines: list[str] = []
    reference = reference_of(material.answers)
    held = f", held against {plain(reference.name)}" if reference else ""
    for group in groups:
        lines += ["", f"### {plain(group.title)}: {', '.join(group.counts)}{held}", ""]
        lines += _cases(material, group.cases)
    return lines[1:]


def _cases(material: Material, cases: Sequence[Case]) -> list[str]:
    """Return a table of images: what each shows, and what every model says of it, in %."""
    labels, every = material.bundle.labels, voices(material)
    columns = [Column(("Image", "")), Column(("Shows", ""), left=True),
               Column(("Named", ""), left=True), Column(("", ""), left=True)]  # fmt: skip
    columns += [Column((voice.name, "%"), left=True) for voice in every]
    rows = []
    for case in cases:
        said = (
            ", ".join(
                f"{labels[each]} {100 * share:.1f}"
                for each, share in zip(case.classes, shares, strict=True)
            )
            for shares in case.said
        )
        shows = "" if case.truth is None else labels[case.truth]
        rows.append(Row((str(case.index), shows, labels[case.named], case.became, *said)))
    return table(columns, rows)


def _layers(material: Material) -> list[str]:
    lines: list[str] = []
    for model in audited(material):
        lines += ["", f"### {plain(model.file)}", "", plain(" ".join(model.lines)), ""]
        columns = [Column(("Layer", ""), left=True), *(Column(head) for head in HEADS)]
        rows = [
            Row((f"{layer.name}{' (adds most)' * layer.worst}", *layer.cells))
            for layer in model.layers
        ]
        lines += table(columns, rows)
    return [*lines[1:], "", MEANING]


def _stress(material: Material) -> list[str]:
    return [tag_free(line) for line in stress_markdown(material.benched)][1:]


def _latency(material: Material) -> list[str]:
    figures = bench_cells.figures(material.benched)
    columns = [*bench_cells.NAMES, *(each.column for each in figures)]
    return table(columns, bench_cells.rows(material.benched, figures))


def _machine(material: Material) -> list[str]:
    found = conditions.machine_facts(material)
    lines = fact_lines(found) if found else ["No bench: nothing is known of a machine."]
    versions = conditions.versions(material)
    return [*lines, *(["", "Made with:", "", *fact_lines(versions)] if versions else [])]


def _embed(material: Material) -> list[str]:
    return [plain(usage.where(material)), "", *snippets(usage.embedding(material))]


def _reproduce(material: Material) -> list[str]:
    columns = [Column(("What", ""), left=True), Column(("Bytes", "")),
               Column(("SHA-256", ""), left=True)]  # fmt: skip
    rows = [
        Row((each.name, "" if each.bytes is None else f"{each.bytes:,}", each.sha256))
        for each in usage.digests(material)
    ]
    names = usage.names(material)
    words = [plain(names), ""] if names else []
    return [*words, *snippets(usage.making(material)), "", *table(columns, rows)]


_WRITERS: dict[str, Any] = {
    "models": _models, "training": _training, "confusion": _confusion, "mistakes": _mistakes,
    "flips": _flips, "layers": _layers, "stress": _stress, "latency": _latency,
    "machine": _machine, "embed": _embed, "reproduce": _reproduce,
}  # fmt: skip
