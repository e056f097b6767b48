"""What a report is made of: the records of a bundle, and what its models say of test images."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mnist_edge.bench.form import COUNT, NUMBER, TEXT, TRUTH, check
from mnist_edge.bench.record import Record
from mnist_edge.errors import BundleError, InputError
from mnist_edge.report.images_of import check_images
from mnist_edge.report.page.answers import Answers, answers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mnist_edge.bundle import Bundle
    from mnist_edge.data import Split

HISTORY, BENCH, AUDIT = "history.csv", "bench.json", "audit.json"

_LAYER = {
    "name": TEXT, "snr_db?": NUMBER, "cosine": NUMBER, "max_error": NUMBER, "range_used?": NUMBER,
    "saturated?": NUMBER, "weights_snr_db?": NUMBER, "share": NUMBER,
}  # fmt: skip
_AUDITED = {
    "file": TEXT, "format": TEXT, "quantization": TEXT, "images": COUNT, "layers": [_LAYER],
    "worst?": TEXT, "explanation": TEXT, "integer_operators": COUNT, "float_operators": COUNT,
    "islands": [[TEXT]], "inserted": COUNT,
    "findings": [{"name": TEXT, "holds": TRUTH, "detail": TEXT}],
}  # fmt: skip
_MANIFEST = {
    "created?": TEXT,
    "training?": {
        "recipe?": TEXT, "parameters?": COUNT, "epochs?": COUNT, "seed?": COUNT,
        "dataset?": {"name?": TEXT, "sha256?": TEXT}, "test_accuracy?": NUMBER,
        "hyperparameters?": {"summary?": TEXT, "teachers?": [TEXT], "batch_size?": COUNT},
        "split?": {"training?": COUNT, "validation?": COUNT, "calibration?": COUNT, "test?": COUNT},
        "intended_use?": TEXT, "limits?": TEXT, "machine?": TEXT, "seconds?": NUMBER,
        "file?": TEXT, "sha256?": TEXT, "temperature?": NUMBER,
    },
    "calibration?": {"source?": TEXT, "count?": COUNT, "sha256?": TEXT, "seed?": COUNT},
    "golden?": {"file?": TEXT, "sha256?": TEXT, "count?": COUNT},
    "reference?": {"file?": TEXT, "sha256?": TEXT, "count?": COUNT},
}  # fmt: skip


@dataclass(frozen=True)
class Material:
    """What a report tells, and nothing else.

    Attributes:
        bundle: that it is of.
        history: a row for each epoch; empty where there is none.
        record: of a bench of this bundle's models; None where there is none.
        audit: layer by layer, as `export.audit.document` has it; None where there is none.
        test: the test images; None where they are not at hand.
        why_no_images: they are not at hand, in one line; else empty.
        answers: of each model to the test images; empty without them.
        notes: what does not fit together, a line each.
    """

    bundle: Bundle
    history: tuple[dict[str, float], ...] = ()
    record: Mapping[str, Any] | None = None
    audit: Mapping[str, Any] | None = None
    test: Split | None = None
    why_no_images: str = ""
    answers: tuple[Answers, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def training(self) -> Mapping[str, Any]:
        """What the manifest says of training; empty where it says nothing."""
        return self.bundle.manifest.get("training") or {}

    @property
    def place(self) -> str:
        """The bundle's folder, as commands name it: without what is above it."""
        return self.bundle.folder.resolve().name

    @property
    def benched(self) -> Mapping[str, Any]:
        """The record, for those who asked whether there is one."""
        assert self.record is not None  # noqa: S101
        return self.record


def gather(
    bundle: Bundle,
    test: Split | None = None,
    why_no_images: str = "",
    tell: Callable[[str], None] = lambda _line: None,
) -> Material:
    """Read a bundle's records, and run its models on test images.

    Args:
        bundle: to be reported.
        test: test images at its size, their classes counted as its own; None where there are none.
        why_no_images: where there are none, in one line.
        tell: takes a line on what is going on.

    Raises:
        BundleError: the manifest, or a file that it names, does not hold.
        InputError: a record that is damaged.
    """
    try:
        check(bundle.manifest, _MANIFEST, "it")
    except InputError as error:
        raise BundleError(
            f"{bundle.folder / 'manifest.json'} is damaged: {error}; export the bundle anew"
        ) from None
    record, notes = _record(bundle)
    found = Material(
        bundle,
        history=_history(bundle.folder / HISTORY),
        record=record,
        audit=_audit(bundle),
        why_no_images=why_no_images,
        notes=tuple(notes),
    )
    if test is None:
        return found
    if record is not None:
        try:
            check_images(record, test.images)
        except InputError:
            notes.append(f"{BENCH} is of other images than those that are shown here.")
    answers = answers_of(bundle, test.images, tell)
    notes += [f"{each.name} did not run here: {each.why}" for each in answers if each.why]
    return replace(found, test=test, answers=answers, notes=tuple(notes))


def _record(bundle: Bundle) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the record as far as it is of the models that are here, and what is to be noted."""
    path = bundle.folder / BENCH
    if not path.exists():
        return None, []
    record = Record.read(path).document
    sizes = {entry.file: entry.bytes for entry in bundle.models}
    rows = [row for row in record["results"] if sizes.get(row["model"]) == row["bytes"]]
    others = sorted({row["model"] for row in record["results"] if row not in rows})
    if not others:
        return record, []
    said = f"{BENCH} is of other files under the name{'s' * (len(others) > 1)} {', '.join(others)}"
    return ({**record, "results": rows} if rows else None), [f"{said}: these are left out."]


def _history(path: Path) -> tuple[dict[str, float], ...]:
    if not path.exists():
        return ()
    try:
        text = path.read_text(encoding="utf-8")
        rows = [
            {str(key): float(value) for key, value in row.items() if value}
            for row in csv.DictReader(io.StringIO(text))
        ]
        lacking = {"epoch", "loss", "accuracy"} - set(rows[0]).intersection(*rows) if rows else ()
        if lacking:
            raise ValueError(f"no {' and '.join(sorted(lacking))}")
    except (OSError, ValueError, TypeError, AttributeError, csv.Error) as error:
        raise InputError(f"{path} is no history ({error}); train anew, or remove it") from None
    return tuple(rows)


def _audit(bundle: Bundle) -> dict[str, Any] | None:
    path = bundle.folder / AUDIT
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        check(found, {"models": [_AUDITED]}, "it")
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: {error}; export the bundle anew") from None
    files = {entry.file for entry in bundle.models}
    models = [each for each in found["models"] if each["file"] in files and each["layers"]]
    return {**found, "models": models} if models else None
