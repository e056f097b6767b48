"""The page as HTML: one file that asks for nothing else."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mnist_edge.errors import MissingExtraError
from mnist_edge.report import bench_cells
from mnist_edge.report.bench_words import legend, machine, what, words_on_decisions
from mnist_edge.report.layout import Column, Row
from mnist_edge.report.page import charts, conditions, usage
from mnist_edge.report.page.answers import STORED, embedded, names_of, reference_of
from mnist_edge.report.page.case import voices
from mnist_edge.report.page.cases import flipped, mistakes, moved
from mnist_edge.report.page.decisions import matrices
from mnist_edge.report.page.digits import inked
from mnist_edge.report.page.layers import HEADS, MEANING, audited
from mnist_edge.report.page.model_rows import COLUMNS, model_rows, shown
from mnist_edge.report.page.sections import SECTIONS, missing
from mnist_edge.report.page.stress import stress
from mnist_edge.report.page.svg import drawing, inline
from mnist_edge.report.page.verdict import about, facts, headline, verdicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_edge.report.pad import Fragment
    from mnist_edge.report.page.material import Material

UNFOLDED = 10_000
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {scripts}; "
    "base-uri 'none'; form-action 'none'"
)


def html(material: Material, pad: Fragment | None = None, no_pad: str | None = None) -> str:
    """Return a report as one HTML file; the same of the same material.

    Args:
        material: that it tells.
        pad: where one may try the model. It is trusted; the page's policy lets it fetch nothing,
            and run no handler that stands in an attribute.
        no_pad: why there is none, in one line. Without either the page has no such section.

    Raises:
        MissingExtraError: jinja2 or matplotlib is not installed.
    """
    page = _environment().get_template("page.html.j2")
    resources = files("mnist_edge.report.page") / "templates"
    scripts = [(resources / "page.js").read_text(encoding="utf-8")]
    styles = [(resources / "page.css").read_text(encoding="utf-8")]
    if pad is not None:
        scripts.append(pad.script)
        styles.append(pad.style)
    hashes = " ".join(f"'sha256-{_digest(each)}'" for each in scripts)
    found: str = page.render(
        **_content(material, no_pad),
        pad=pad,
        scripts=scripts,
        styles=styles,
        policy=POLICY.format(scripts=hashes),
    )
    return found


def check_packages() -> None:
    """Make sure that a page can be made, for those who work for seconds before they make it.

    Raises:
        MissingExtraError: jinja2 or matplotlib is not installed.
    """
    _environment()
    with drawing():
        pass


def _environment() -> Any:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise MissingExtraError("jinja2", "report") from None
    return Environment(
        loader=PackageLoader("mnist_edge.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _digest(script: str) -> str:
    return b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _content(material: Material, no_pad: str | None) -> dict[str, Any]:
    """Return all that the template speaks of."""
    from mnist_edge import __version__

    rows, test = model_rows(material), material.test
    reference, chosen = reference_of(material.answers), embedded(material.answers)
    return {
        "bundle": material.bundle, "labels": material.bundle.labels, "notes": material.notes,
        "version": __version__, "sections": SECTIONS,
        "missing": missing(material, no_pad=no_pad),
        "headline": headline(material), "verdicts": verdicts(material), "facts": facts(material),
        "about": about(material),
        "rows": rows, "columns": COLUMNS, "shown": shown(rows), "words": _words(material),
        "charts": _charts(material),
        "matrices": matrices(material), "mistakes": mistakes(material),
        "flipped": flipped(material), "moved": moved(material), "voices": voices(material),
        "reference": reference, "chosen": chosen, "stored": STORED,
        "answering": [each for each in material.answers if each.probabilities is not None],
        "names_of": names_of, "inked": test is not None and inked(test.images),
        "images": 0 if test is None else len(test),
        "augmented": _augmented(material),
        "audited": audited(material), "layer_heads": HEADS, "layer_meaning": MEANING,
        "stress": stress(material), "every_number": _every_number(material),
        "machine": conditions.machine_facts(material), "versions": conditions.versions(material),
        "checks": conditions.checks(material),
        "where": usage.where(material), "names": usage.names(material),
        "embedding": usage.embedding(material), "making": usage.making(material),
        "digests": usage.digests(material),
    }  # fmt: skip


def _augmented(material: Material) -> bool:
    hyper = material.training.get("hyperparameters") or {}
    return str(hyper.get("augmentation", "none")) != "none"


def _words(material: Material) -> dict[str, Any]:
    """Return what the record says in sentences; nothing without one."""
    record = material.record
    if record is None:
        return {"what": "", "machine": "", "legend": [], "decisions": []}
    return {
        "what": what(record),
        "machine": machine(record),
        "legend": legend(record),
        "decisions": words_on_decisions(record, UNFOLDED),
    }


def _every_number(material: Material) -> tuple[list[Column], list[Row]] | None:
    """Return the widest table of the record, as `bench --wide` prints it, a column a model."""
    record = material.record
    if record is None:
        return None
    results = record["results"]
    columns = [Column(("", ""), left=True)]
    columns += [
        Column((name, row["runtime"]))
        for row, name in zip(results, bench_cells.names(results), strict=True)
    ]
    rows = []
    for figure in bench_cells.figures(record):
        cells = [figure.cell(row) if row["status"] == "ok" else "failed" for row in results]
        if any(cell not in ("", "failed") for cell in cells):
            head = " ".join(filter(None, figure.column.head)) or "Below its gate"
            rows.append(Row((head, *cells)))
    return columns, rows


def _charts(material: Material) -> dict[str, tuple[str, str]]:
    """Return each chart as SVG, for a wide page and for a phone."""
    record, history = material.record, material.history
    wanted: dict[str, Callable[[bool], Any]] = {}
    if record is not None:
        wanted["tradeoff"] = lambda narrow: charts.tradeoff(record, narrow=narrow)
        wanted["latencies"] = lambda narrow: charts.latencies(record, narrow=narrow)
    if history:
        wanted["curves"] = lambda narrow: charts.curves(history, narrow=narrow)
    found = {}
    with drawing():
        for name, draw in wanted.items():
            wide, phone = draw(False), draw(True)
            if wide is not None:
                found[name] = (inline(wide, f"{name}-wide"), inline(phone, f"{name}-phone"))
    return found
