"""What was found, and how it is written down."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Literal
from unicodedata import east_asian_width

State = Literal["ok", "note", "warn", "bad"]
MARKS = {"ok": "ok", "note": "-", "warn": "warn", "bad": "BAD"}
TITLES = {"machine": "Machine", "runtime": "Runtimes, the best first", "bundle": "Bundle"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: what it belongs to.
        name: what was looked at.
        value: what was found.
        state: `note` is worth knowing and hinders nothing, `warn` may hinder, `bad` does.
        remedy: what to do; empty where nothing is to be done.
    """

    about: Literal["machine", "runtime", "bundle"]
    name: str
    value: str
    state: State = "ok"
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was found; true where this machine can run the bundle."""

    findings: tuple[Finding, ...]

    def __bool__(self) -> bool:
        return not self.bad

    @property
    def bad(self) -> list[Finding]:
        """What keeps this machine from running the bundle."""
        return [finding for finding in self.findings if finding.state == "bad"]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {"runs": bool(self), "findings": [asdict(each) for each in self.findings]}

    def as_text(self, width: int = 80) -> str:
        """Return it for people: a line a finding, folded where it is longer than `width`."""
        lines = []
        for about, group in groupby(self.findings, lambda finding: finding.about):
            found = list(group)
            lines.append(TITLES[about])
            indent = 2 + max(_cells(finding.name) for finding in found)
            for finding in found:
                room = " " * (indent - _cells(finding.name))
                start = f"  {MARKS[finding.state]:4}  {finding.name}{room}"
                lines += folded(start, finding.value, finding.remedy, width)
        return "\n".join(lines)


def folded(start: str, value: str, remedy: str, width: int) -> list[str]:
    """Return `start`, a value and what to do as a line, or as some where one is too long.

    What to do begins a line of its own then, so that a command can be copied.
    """
    whole = f"{start}{value}: {remedy}" if remedy else start + value
    if _cells(whole) <= width:
        return [whole]
    margin = " " * _cells(start)
    lines = _wrapped(start + value + (":" if remedy else ""), margin, width)
    return lines + _wrapped(margin + remedy, margin, width) if remedy else lines


def _cells(text: str) -> int:
    """Return how many columns a text takes in a terminal: characters of East Asia take two."""
    return sum(1 + (east_asian_width(each) in "WF") for each in text)


def _wrapped(text: str, margin: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=margin,
        drop_whitespace=True,
        break_long_words=False,
        break_on_hyphens=False,
    )
