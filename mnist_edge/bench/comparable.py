"""Whether two bench records may be held against each other, and what to mind where they may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_edge.bench.ratios import LEAST_LAUNCHES
from mnist_edge.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_edge.bench.matching import Key
    from mnist_edge.bench.record import Record

# What a machine is, and what may be changed on it. Two of one make are one machine here: nothing
# in a record tells them apart.
MACHINE = ("board", "system", "architecture", "processor", "cores")
MEMORY = 0.1  # may differ: a kernel keeps some of it, more or less
SETUP = ("governor", "python")
# How long a processor is kept busy decides its clock and its heat; the others only how sure one is.
PACE = ("seconds", "samples")
PRECISION = ("launches", "rounds", "patience", "sustained_minutes")
IMAGES = ("name", "split", "samples", "sha256", "images_sha256")


def differences(old: Record, new: Record) -> list[str]:
    """Say what makes two records tell of different things; what one of them lacks differs in none.

    Returns:
        One line each, with both values; empty where they may be compared.
    """
    machines = (old["machine"], new["machine"])
    found = _differing("machine: ", MACHINE, *machines)
    memory = [each.get("memory_mb") for each in machines]
    if None not in memory and abs(memory[0] - memory[1]) > MEMORY * max(memory):
        found.append(f"machine: memory {memory[0]:g} MB, now {memory[1]:g} MB")
    found += image_differences(old, new)
    return found + _differing("settings: ", PACE, old["settings"], new["settings"])


def image_differences(old: Record, new: Record) -> list[str]:
    """Say what makes the images of two records different ones."""
    found = _differing("images: ", IMAGES, old["dataset"], new["dataset"])
    same = [each["dataset"].get("images_sha256") for each in (old, new)]
    # A name is a name: the same images under another are the same.
    return [] if same[0] is not None and same[0] == same[1] else found


def notes(old: Record, new: Record) -> list[str]:
    """Say what to mind where two records are compared."""
    found = _differing("", SETUP, old["machine"], new["machine"])
    found += _differing("settings: ", PRECISION, old["settings"], new["settings"])
    found += _differing("", ("version",), old, new)
    for name, record in (("OLD", old), ("NEW", new)):
        launches = min((len(each.get("launches") or ()) for each in _latencies(record)), default=0)
        if launches < LEAST_LAUNCHES:
            found.append(
                f"{name} has fewer than {LEAST_LAUNCHES} launches of each model, as "
                f"{'--quick has' if record.revision > 1 else 'records had'}: "
                "no intervals, the ratio alone is judged"
            )
        if not record.valid:
            found.append(f"{name} was INVALID: {'; '.join(record['invalid_reasons'])}")
    return found


def asked(record: Record, key: Key) -> bool:
    """Whether the settings of a record leave a row in: its runtime and its number of threads.

    In a record of revision 1 the number of threads is one, and no list.
    """
    settings = record["settings"]
    runtimes, threads = settings.get("runtimes"), settings.get("threads")
    counts = threads if isinstance(threads, list) else [threads]
    return (not runtimes or key.runtime in runtimes) and (threads is None or key.threads in counts)


def refuse(found: list[str]) -> None:
    """Refuse a comparison in which something differs.

    Raises:
        SettingError: something does.
    """
    if found:
        raise SettingError(
            f"the records differ, OLD and now NEW: {'; '.join(found)}: bench both alike, or say "
            "--any-machine to compare all the same"
        )


def _latencies(record: Record) -> list[dict[str, Any]]:
    return [row["latency"] for row in record["results"] if row["latency"]]


def _differing(
    kind: str, keys: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]
) -> list[str]:
    pairs = ((key, old.get(key), new.get(key)) for key in keys)
    return [
        f"{kind}{key} {_short(before)}, now {_short(after)}"
        for key, before, after in pairs
        if before is not None and after is not None and before != after
    ]


def _short(value: Any) -> str:
    """Return a value as text; of a hash its beginning is enough."""
    text = str(value)
    return text[:12] if len(text) == 64 else text
