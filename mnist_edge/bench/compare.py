"""A bench record held against an earlier one: what became slower, and is it more than chance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mnist_edge.bench import comparable
from mnist_edge.bench.matching import keyed
from mnist_edge.bench.pairs import Pair, paired
from mnist_edge.bench.regressions import Regression, of_missing, of_pair, summary
from mnist_edge.errors import SettingError

if TYPE_CHECKING:
    from mnist_edge.bench.record import Record

MAX_REGRESSION = 10.0  # percent


@dataclass(frozen=True)
class Comparison:
    """A new record beside an old one; it is true where nothing regressed.

    Attributes:
        pairs: rows that both records have, in the new one's order.
        missing: names of rows that the new record lacks though it was asked for them.
        only_old: names of rows that it lacks as its settings leave them out.
        only_new: names of rows that the old record lacks.
        differences: what makes the records tell of different things; empty unless told to compare
            them all the same.
        notes: what to mind.
        max_regression: percent that a row may be slower by.
    """

    pairs: tuple[Pair, ...]
    missing: tuple[str, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    differences: tuple[str, ...]
    notes: tuple[str, ...]
    max_regression: float = MAX_REGRESSION

    def __bool__(self) -> bool:
        return not self.regressions()

    def regressions(self, max_regression: float | None = None) -> list[str]:
        """Say what became worse by more than is allowed, one line each; see `found`.

        Args:
            max_regression: percent, instead of the one that was asked for.
        """
        return [each.text for each in self.found(max_regression)]

    def found(self, max_regression: float | None = None) -> list[Regression]:
        """Return what became worse by more than is allowed.

        Rows that are slower by more than a limit, lost more accuracy than their gates allow, fell
        below these, no longer run, or are missing though they were asked for.

        Args:
            max_regression: percent, instead of the one that was asked for.
        """
        limit = self.max_regression if max_regression is None else max_regression
        found = [each for pair in self.pairs for each in of_pair(pair, limit)]
        return found + [of_missing(row) for row in self.missing]

    def summary(self) -> str:
        """Return how many rows became worse, by kind; empty where none did."""
        return summary(self.found(), self.max_regression)

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
        paired(key, before[key], after[key], new["settings"], same_images=same_images, seed=seed)
        for key in after
        if key in before
    )
    if not pairs:
        raise SettingError("the records have no row in common: same model, runtime and threads")
    only_old = [key for key in before if key not in after]
    return Comparison(
        pairs=pairs,
        missing=tuple(str(key) for key in only_old if comparable.asked(new, key)),
        only_old=tuple(str(key) for key in only_old if not comparable.asked(new, key)),
        only_new=tuple(str(key) for key in after if key not in before),
        differences=tuple(different),
        notes=tuple(comparable.notes(old, new)),
        max_regression=max_regression,
    )
