"""Bench records of several machines held against earlier ones, machine by machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_edge.bench.compare import MAX_REGRESSION, Comparison, compare
from mnist_edge.errors import InputError, SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_edge.bench.machines import Machine

    Machines = Mapping[str, Machine]


@dataclass(frozen=True)
class HostComparison:
    """One machine in both documents, or in one; it is true where nothing regressed there.

    Attributes:
        host: its name.
        comparison: of its records; None where there are not two.
        said: in which document it failed or is lacking; None where it was benched in both.
        failed: whether it failed in the new one alone.
    """

    host: str
    comparison: Comparison | None
    said: str | None = None
    failed: bool = False

    def __bool__(self) -> bool:
        return not self.failed and (self.comparison is None or bool(self.comparison))

    def summary(self) -> str:
        """Return what became worse, in a few words; empty where nothing did."""
        parts = [] if self.comparison is None else [self.comparison.summary()]
        return ", ".join(filter(None, ["failed" * self.failed, *parts]))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        found = None if self.comparison is None else self.comparison.as_dict()
        return {"host": self.host, "said": self.said, "passed": bool(self), "comparison": found}


@dataclass(frozen=True)
class MachinesComparison:
    """Several machines; it is true where nothing regressed on any.

    Attributes:
        hosts: one each, in the order of the new document, then those that it lacks.
    """

    hosts: tuple[HostComparison, ...]

    def __bool__(self) -> bool:
        return all(self.hosts)

    def summary(self) -> str:
        """Return what became worse, machine by machine; empty where nothing did."""
        return "; ".join(f"{each.host}: {each.summary()}" for each in self.hosts if not each)

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON has it: a list by machine."""
        hosts = [each.as_dict() for each in self.hosts]
        return {"schema": 1, "hosts": hosts, "passed": bool(self)}


def compare_machines(
    old: Machines,
    new: Machines,
    *,
    max_regression: float = MAX_REGRESSION,
    any_machine: bool = False,
) -> MachinesComparison:
    """Hold each machine's record against its earlier one; a machine is known by its name.

    Args:
        old: what to hold them against.
        new: what came of each.
        max_regression: percent that a row may be slower by.
        any_machine: compare a name's records even where machine, images or pace differ.

    Raises:
        InputError: a record with two rows that nothing tells apart.
        SettingError: records of one name that differ in what they tell of, or nothing to compare.
    """
    found = []
    for host in dict.fromkeys([*new, *old]):
        try:
            found.append(_host(host, old.get(host), new.get(host), max_regression, any_machine))
        except (InputError, SettingError) as error:
            raise type(error)(f"{host}: {error}") from None
    if not any(each.comparison or not each for each in found):
        said = "; ".join(f"{each.host}: {each.said}" for each in found)
        raise SettingError(f"no machine was benched in both, so nothing can be compared: {said}")
    return MachinesComparison(tuple(found))


def _host(
    host: str, old: Machine | None, new: Machine | None, max_regression: float, any_machine: bool
) -> HostComparison:
    if old is None or new is None:
        return HostComparison(host, None, "only in OLD" if new is None else "only in NEW")
    comparison = None
    if old.record is not None and new.record is not None:
        comparison = compare(
            old.record, new.record, max_regression=max_regression, any_machine=any_machine
        )
    if new.error is not None:
        before = "" if old.error is None else ", as in OLD"
        return HostComparison(
            host, comparison, f"failed in NEW{before}: {new.error}", failed=old.error is None
        )
    said = None if old.error is None else f"failed in OLD, and not in NEW: {old.error}"
    return HostComparison(host, comparison, said)
