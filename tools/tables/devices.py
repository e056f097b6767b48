"""Tables of where the wheel was tried, what the wrapper costs, and what other runtimes do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.peers import markdown

ARTIFACTS = Path(__file__).parent.parent.parent / "artifacts"
WRAPPER, PEERS, REPEAT = (ARTIFACTS / f"{name}.json" for name in ("wrapper", "peers", "repeat"))
TRIED = [ARTIFACTS / f"{name}.json" for name in ("compatibility", "platforms")]


def platforms_table() -> str:
    """Return where the wheel was tried, a line a machine and version of a runtime, as Markdown."""
    lines = [
        "| machine | runtime | Python, with numpy | tests passed | `verify`: farthest off |",
        "| --- | --- | --- | ---: | ---: |",
    ]
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in (row for path in TRIED for row in json.loads(path.read_text(encoding="utf-8"))):
        machine, _, processor = row["platform"].partition(" ")
        machine += ", emulated" if "emulated" in processor else ""
        version = row["runtime_version"] or "newest"
        key = (machine, row["runtime"], version, row.get("result", "passed"))
        groups.setdefault(key, []).append(row)
    machines, runtimes = ([key[place] for key in groups] for place in (0, 1))

    def place(key: tuple[str, ...]) -> tuple[int, int, list[int]]:
        newest_first = [-int(part) for part in key[2].split(".") if part.isdigit()]
        return machines.index(key[0]), runtimes.index(key[1]), newest_first

    for key in sorted(groups, key=place):
        machine, runtime, version, result = key
        rows = groups[key]
        where = f"{machine}: {boards(rows)}" if boards(rows) else machine
        worst = [far for row in rows for far in row["worst"].values()]
        tests = tests_of(rows) if result == "passed" else result
        far = f"{max(worst):.2g}" if result == "passed" else "–"
        lines.append(f"| {where} | {runtime} {version} | {pythons(rows)} | {tests} | {far} |")
    return "\n".join(lines)


def wrapper_table(parts: tuple[str, ...]) -> str:
    """Return parts of what the wrapper costs beside the bare runtime, as Markdown."""
    record = json.loads(WRAPPER.read_text(encoding="utf-8"))
    lines = ["| | time | ratio | to |", "| --- | ---: | ---: | --- |"]
    about = {"start": "first answer of a new process: ", "start_memory": "its peak memory: "}
    for part, row in ((each, row) for each in parts for row in record[each]):
        several = "threads=" in row["way"] and not row["way"].endswith("threads=1")
        if "ratio" not in row or several:
            continue
        low, middle, high = (row["ratio"][name] for name in ("p5", "median", "p95"))
        digits = ",.0f" if middle > 100 else ".2f"
        ratio = f"**{middle:{digits}}** ({low:{digits}} to {high:{digits}})"
        time = f"{row['median']:,.0f}" if row["median"] > 1000 else f"{row['median']:.3g}"
        name = about.get(part, "") + row["way"]
        lines.append(f"| {name} | {time} {row['unit']} | {ratio} | {row['against']} |")
    return "\n".join(lines)


def peers_tables() -> dict[str, str]:
    """Return the tables of peers, and what was set of each, by their marks."""
    record = json.loads(PEERS.read_text(encoding="utf-8"))
    return {
        "peers": markdown.peers(record),
        "peers-calls": markdown.calls(record),
        "peers-limit": markdown.limits(record),
        "peers-settings": markdown.settings(record),
    }


def repeat_table() -> str:
    """Return the medians of benches that were run one after the other, as Markdown."""
    benches = json.loads(REPEAT.read_text(encoding="utf-8"))["benches"]
    names = [*(f"bench {place}" for place in range(1, len(benches))), "every core busy"]
    lines = [f"| p50, µs | {' | '.join(names)} |", "| --- |" + " ---: |" * len(names)]
    for name in benches[0]["p50_us"]:
        cells = (f"{bench['p50_us'][name]:,.1f}" for bench in benches)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    verdicts = ("VALID" if bench["valid"] else "INVALID" for bench in benches)
    lines += [f"| | {' | '.join(verdicts)} |", ""]
    for name, each in zip(names, benches, strict=True):
        lines += [f"- {name}: {reason}" for reason in each["invalid_reasons"]]
    return "\n".join(lines).rstrip()


def boards(rows: list[dict[str, Any]]) -> str:
    """Return the boards of some rows, such as `Raspberry Pi 3, 4`; nothing for a machine itself."""
    names = dict.fromkeys(row["boards"] for row in rows if "boards" in row)
    return ", ".join(names).replace(", Raspberry Pi", ",")


def tests_of(rows: list[dict[str, Any]]) -> str:
    """Return how many tests passed, and on which boards where it was not on all."""
    ran = [row for row in rows if row["tests"]]
    if not ran:
        return "–"
    counts = sorted({row["tests"] for row in ran})
    numbers = "–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
    return numbers if len(ran) == len(rows) else f"{numbers} (as {boards(ran)})"


def pythons(rows: list[dict[str, Any]]) -> str:
    """Return which Pythons were tried with which numpy."""
    beside: dict[str, dict[str, None]] = {}
    for row in rows:
        minor = ".".join(row["python"].split(".")[:2])
        beside.setdefault(row["numpy"] or "the newest", {})[minor] = None
    return "; ".join(f"{', '.join(found)} with {numpy}" for numpy, found in beside.items())
