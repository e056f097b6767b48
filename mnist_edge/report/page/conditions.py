"""The machine that was benched on, and the versions that everything was made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_edge.report.page.verdict import Fact, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_edge.report.page.material import Material

STATES = {"ok": "ok", "unknown": "not known here", "failed": "speaks against it"}


class Check(NamedTuple):
    """One check of the timings: what, how it came out, and what is to be said of it."""

    name: str
    status: str
    value: str


def machine_facts(material: Material) -> list[Fact]:
    """Return what the bench record tells of the machine, without what it does not."""
    if material.record is None:
        return []
    found: Mapping[str, Any] = material.record["machine"]
    memory = found.get("memory_mb")
    system = f"{found.get('system') or ''} {found.get('architecture') or ''}".strip()
    rows = [
        ("Board", found.get("board")),
        ("Processor", found.get("processor")),
        ("Cores", found.get("cores")),
        ("Memory", None if memory is None else f"{memory / 1024:.1f} GiB"),
        ("System", system),
        ("Governor", found.get("governor")),
        ("Python", found.get("python")),
        ("Benched", moment(material.record.get("created") or "")),
        ("mnist-edge", material.record.get("version")),
        *_runtimes(material.record),
    ]
    return [Fact(name, str(value)) for name, value in rows if value not in (None, "")]


def versions(material: Material) -> list[Fact]:
    """Return the versions that made the models, as the manifest has them."""
    found = material.bundle.manifest.get("versions")
    rows = found.items() if isinstance(found, dict) else ()
    return [Fact(str(name), str(value)) for name, value in rows]


def checks(material: Material) -> list[Check]:
    """Return each check of the timings, as the record has it."""
    found = []
    for each in (material.record or {}).get("checks") or ():
        words = [each.get("value"), each.get("reason"), each.get("remedy")]
        said = "; ".join(str(word) for word in words if word)
        found.append(Check(each["name"], STATES.get(each["status"], each["status"]), said))
    return found


def _runtimes(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = {row["runtime"]: row.get("runtime_version") for row in record["results"]}
    return [(name, version) for name, version in sorted(found.items()) if version]
