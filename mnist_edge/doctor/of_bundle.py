"""What is to be said of a bundle: whether it is whole, and what on this machine runs its models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_edge import reference
from mnist_edge.backends import lacks
from mnist_edge.backends.ladder import FORMATS, known_runtimes, nearest, usable
from mnist_edge.bundle import checked_bytes, own_name
from mnist_edge.doctor.finding import Finding, State
from mnist_edge.errors import BundleError, ModelError
from mnist_edge.structure import examine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mnist_edge.bundle import Bundle, ModelEntry
    from mnist_edge.interpreter import Interpreter


def of_runtimes(here: Interpreter) -> Iterator[Finding]:
    """Give a finding for each runtime, the best first."""
    for row in known_runtimes():
        obstacle = row.obstacle(here)
        opens = ", ".join(f".{form}" for form in row.formats)
        if obstacle is None:
            yield Finding("runtime", row.name, f"{row.version or 'installed'}, opens {opens}")
        else:
            state: State = "note" if obstacle.kind != "numpy" else "warn"
            yield Finding("runtime", row.name, obstacle.reason, state, obstacle.remedy)


def of_bundle(
    bundle: Bundle, here: Interpreter, attempt: Callable[[Path], Finding]
) -> Iterator[Finding]:
    """Give a finding for each file of a bundle, and say what came of opening it.

    Args:
        bundle: to look at.
        here: for which Python a runtime is to be found where there is none.
        attempt: opens the bundle's folder and answers once.
    """
    yield Finding("bundle", "bundle", f"{bundle.name} at {bundle.folder}")
    forms = tuple(form for form in FORMATS if form in {entry.format for entry in bundle.models})
    whole = [_model(bundle, entry) for entry in bundle.models]
    yield from whole
    yield _golden(bundle)
    yield from _reference(bundle)
    if forms == ("keras",):
        yield Finding(
            "bundle",
            "for a device",
            ".keras models alone, which need TensorFlow",
            "warn",
            "mnist-edge export --int8",
        )
    if not forms:
        yield Finding("bundle", "answer", "no models", "bad", "mnist-edge export")
    elif not usable(forms):
        _row, obstacle = nearest(forms, here)
        value = f"none: no runtime here opens {', '.join(f'.{form}' for form in forms)}"
        if obstacle.kind != "not installed":
            value += f"; {obstacle.reason}"
        yield Finding("bundle", "answer", value, "bad", obstacle.remedy)
    elif all(finding.state != "bad" for finding in whole):
        yield attempt(bundle.folder)


def _model(bundle: Bundle, entry: ModelEntry) -> Finding:
    try:
        content = bundle.read_file(entry)
        structure = None if entry.format == "keras" else examine(content, entry.file)
    except ModelError as error:
        return Finding("bundle", entry.file, str(error), "bad")
    needs = f"; needs {', '.join(entry.ops)}" if entry.ops else ""
    rows = usable((entry.format,))
    lacking = {row.name: lacks(row, structure) for row in rows}
    able = [name for name, lack in lacking.items() if lack is None]
    if able:
        return Finding("bundle", entry.file, f"whole; {able[0]} takes it{needs}")
    for name, lack in lacking.items():
        what, _, remedy = str(lack).partition(": ")
        return Finding("bundle", entry.file, f"whole; not for {name}: {what}", "warn", remedy)
    value = f"whole; no runtime here opens .{entry.format}{needs}"
    return Finding("bundle", entry.file, value, "note")


def _golden(bundle: Bundle) -> Finding:
    try:
        about = bundle.manifest["golden"]
        checked_bytes(bundle.folder / own_name(about["file"]), about["sha256"])
        return Finding("bundle", "golden samples", f"{about['count']}, whole")
    except BundleError as error:
        return Finding("bundle", "golden samples", str(error), "bad")
    except (KeyError, TypeError):
        remedy = "export it anew, for verify to have something to hold against"
        return Finding("bundle", "golden samples", "none", "warn", remedy)


def _reference(bundle: Bundle) -> Iterator[Finding]:
    """Judge what Keras said of the test images, where a bundle has it: most go without."""
    if bundle.manifest.get(reference.KEY) is None:
        return
    try:
        count = reference.check(bundle).shape[1]
        yield Finding("bundle", "Keras' answers", f"{count:,}, whole")
    except BundleError as error:
        yield Finding("bundle", "Keras' answers", str(error), "bad")
