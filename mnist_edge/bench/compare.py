"""A bench record held against an earlier one: what became slower, and is it more than chance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mnist_edge.bench import comparable
from mnist_edge.bench.matching import keyed
from mnist_edge.bench.ratios import Ratio, ratio
from mnist_edge.errors import SettingError

if TYPE_CHECKING:
    from mnist_edge.bench.matching import Key
    from mnist_edge.bench.record import Record

    Row = dict[str, Any]

MAX_REGRESSION = 10.0  # percent
TIMINGS = ("invoke_us", "predict_us")
STARTS = ("import_ms", "load_ms", "first_ms")


@dataclass(frozen=True)
class Pair:
    """One model on one runtime with so many threads, in both records.

    Changes are new less old. What one of the two records does not have is None.

    Attributes:
        key: which one.
        error: why it failed in the new record; None where it ran.
        error_before: why it failed in the old one.
        ratios: by `invoke_us`, `predict_us`, `import_ms`, `load_ms`, `first_ms`; those of the
            last three are between medians over launches.
        accuracy_points: change of accuracy, percentage points.
        agreement_points: change of agreement with the reference, percentage points.
        bytes_change: change of the file's size.
        bytes_now: the file's size in the new record.
        runtime_versions: old and new.
    """

    key: Key
    error: str | None
    error_before: str | None
    ratios: dict[str, Ratio]
    accuracy_points: float | None
    agreement_points: float | None
    bytes_change: int
    bytes_now: int
    runtime_versions: tuple[str | None, str | None]


@dataclass(frozen=True)
class Comparison:
    """A new record beside an old one; it is true where nothing regressed.

    Attributes:
        pairs: rows that both records have, in the new one's order.
        only_old: names of rows that the new record lacks.
        only_new: names of rows that the old record lacks.
        differences: what makes the records tell of different things; empty unless told to compare
            them all the same.
        notes: what to mind.
        max_regression: percent that a row may be slower by.
    """

    pairs: tuple[Pair, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    differences: tuple[str, ...]
    notes: tuple[str, ...]
    max_regression: float = MAX_REGRESSION

    def __bool__(self) -> bool:
        return not self.regressions()

    def regressions(self, max_regression: float | None = None) -> list[str]:
        """Say which rows became slower beyond doubt by more than a limit, or no longer run.

        The whole interval of a timing must lie beyond the limit; where there is none, the ratio
        itself. Starting up is told of, and not judged: it hangs on what the disk has in memory.

        Args:
            max_regression: percent, instead of the one that was asked for.
        """
        limit = self.max_regression if max_regression is None else max_regression
        found = []
        for pair in self.pairs:
            if pair.error is not None and pair.error_before is None:
                found.append(f"{pair.key} ran before, and failed: {pair.error}")
            for key in TIMINGS:
                each = pair.ratios.get(key)
                if each is not None and each.exceeds(limit):
                    found.append(f"{pair.key}: {key} {percent(each)}, allowed {limit:+g} %")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON has it."""
        found = asdict(self)
        for pair, each in zip(self.pairs, found["pairs"], strict=True):
            each["key"] = pair.key._asdict()
            for key, one in pair.ratios.items():
                each["ratios"][key]["verdict"] = one.verdict
        return {"schema": 1, **found, "regressions": self.regressions(), "passed": bool(self)}


def compare(
    old: Record,
    new: Record,
    *,
    max_regression: float = MAX_REGRESSION,
    any_machine: bool = False,
    seed: int = 0,
) -> Comparison:
    """Hold a record against an earlier one, row by row.

    Args:
        old: what to hold it against.
        new: the record.
        max_regression: percent that a row may be slower by.
        any_machine: compare even where machine, images or pace of measuring differ; accuracies of
            different images are not compared even then.
        seed: of the resampling; the same seed gives the same intervals.

    Raises:
        InputError: a record with two rows that nothing tells apart.
        SettingError: records that differ in what they tell of, or a limit below 0.
    """
    if not max_regression >= 0:
        raise SettingError(f"max_regression is {max_regression:g}; wanted percent, 0 or more")
    different = comparable.differences(old, new)
    if not any_machine:
        comparable.refuse(different)
    same_images = not comparable.image_differences(old, new)
    before, after = keyed(old, new)
    pairs = tuple(
        _pair(key, before[key], after[key], same_images, seed) for key in after if key in before
    )
    if not pairs:
        raise SettingError("the records have no row in common: same model, runtime and threads")
    return Comparison(
        pairs=pairs,
        only_old=tuple(str(key) for key in before if key not in after),
        only_new=tuple(str(key) for key in after if key not in before),
        differences=tuple(different),
        notes=tuple(comparable.notes(old, new)),
        max_regression=max_regression,
    )


def percent(found: Ratio) -> str:
    """Return a ratio as what it changes: `+12.3 % (+10.1 to +14.0)`.

    >>> percent(Ratio(10.0, 11.0, 1.1, (1.05, 1.125)))
    '+10.0 % (+5.0 to +12.5)'
    """
    text = f"{100 * (found.value - 1):+.1f} %"
    if found.interval is None:
        return f"{text} (no interval)"
    low, high = (100 * (each - 1) for each in found.interval)
    return f"{text} ({low:+.1f} to {high:+.1f})"


def _pair(key: Key, old: Row, new: Row, same_images: bool, seed: int) -> Pair:
    def points(name: str) -> float | None:
        before, after = ((row["parity"] or {}).get(name) for row in (old, new))
        if before is None or after is None or not same_images:
            return None
        return float(100 * (after - before))

    return Pair(
        key,
        error=_error(new),
        error_before=_error(old),
        ratios=_ratios(old["latency"], new["latency"], seed),
        accuracy_points=points("accuracy"),
        agreement_points=points("agreement"),
        bytes_change=new["bytes"] - old["bytes"],
        bytes_now=new["bytes"],
        runtime_versions=(old.get("runtime_version"), new.get("runtime_version")),
    )


def _error(row: Row) -> str | None:
    return None if row["status"] == "ok" else row.get("error") or "no reason given"


def _ratios(old: Row | None, new: Row | None, seed: int) -> dict[str, Ratio]:
    if old is None or new is None:
        return {}
    found = {}
    for key in TIMINGS:
        times = (old[key]["p50"], new[key]["p50"])
        found[key] = ratio(*times, _rounds(old[key]), _rounds(new[key]), seed)
    for key in STARTS:
        if old[key] > 0 and new[key] > 0:
            launches = (_starts(old, key), _starts(new, key))
            found[key] = ratio(old[key], new[key], *launches, seed)
    return found


def _rounds(timing: Row) -> list[list[float]]:
    """Return the medians of the rounds of each launch; nothing in a record of revision 1."""
    launches: dict[int, list[float]] = {}
    for launch, p50, _count in timing.get("rounds") or ():
        launches.setdefault(launch, []).append(p50)
    return list(launches.values())


def _starts(latency: Row, key: str) -> list[list[float]]:
    times = [each[key] for each in latency.get("launches") or ()]
    return [[each] for each in times] if all(each > 0 for each in times) else []
