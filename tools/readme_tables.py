"""Put measured tables into the README and the pages of docs/, between their marks.

    python tools/readme_tables.py [BENCH.json]

The table of recipes comes from mnist_edge/training/measured.json, those of the small networks from
artifacts/frontier.json and stress.json; that of platforms from what
`make test-compat` and `make test-arm` wrote into artifacts/; the wrapper's from
artifacts/wrapper.json, those of peers from artifacts/peers.json, of repeated benches from
artifacts/repeat.json; the demo's from a bench record,
where one is named; those of formats from mnist_edge/export/plan.py and artifacts/formats.json, and
of fine-tuning from artifacts/qat.json.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from mnist_edge.atomic import write_file
from mnist_edge.cli.bench_show import show
from mnist_edge.export.plan import VALID
from mnist_edge.report.stress_table import stress_markdown
from mnist_edge.training.recipes import RECIPES, measured
from tools.fast import CLASSIC, reached
from tools.frontier import LEARNERS
from tools.peers import markdown

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
EXPORT, PLATFORMS, BENCHMARK, BESIDE = (
    ROOT / "docs" / f"{name}.md" for name in ("export", "platforms", "benchmark", "peers")
)
FORMATS, QAT = (ROOT / "artifacts" / f"{name}.json" for name in ("formats", "qat"))
WRAPPER, PEERS, REPEAT = (
    ROOT / "artifacts" / f"{name}.json" for name in ("wrapper", "peers", "repeat")
)
FRONTIER, STRESS = (ROOT / "artifacts" / f"{name}.json" for name in ("frontier", "stress"))
ARTIFACTS = ROOT / "artifacts" / "README.md"
ONE_IMAGE = ("image", "start")
TRIED = [ROOT / "artifacts" / f"{name}.json" for name in ("compatibility", "platforms")]


def recipes_table() -> str:
    """Return the table of recipes as Markdown."""
    lines = [
        "| recipe | what it is | parameters | epochs | test accuracy | claimed |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for name, recipe in RECIPES.items():
        found = measured()[name]
        lines.append(
            f"| `{name}` | {recipe.summary} | {found['parameters']:,} | {recipe.epochs} | "
            f"{100 * found['test_accuracy']:.2f} % | {recipe.claim or '–'} |"
        )
    return "\n".join(lines)


def frontier_table() -> str:
    """Return what five seeds of each small network reach, as Markdown."""
    record = json.loads(FRONTIER.read_text(encoding="utf-8"))
    lines = [
        "| recipe | parameters | int8 file | float32, % | int8, % | the shipped one, % | time | "
        "training |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in LEARNERS:
        found = record[name]
        shipped = next(row for row in found["seeds"] if row["seed"] == found["shipped"])
        spread = (
            f"{100 * found[key]['mean']:.3f} ± {100 * found[key]['deviation']:.3f}"
            for key in ("test_float", "test_int8")
        )
        time = found["latency"]
        lines.append(
            f"| `{name}` | {shipped['parameters']:,} | {shipped['bytes']:,} bytes | "
            f"{' | '.join(spread)} | {100 * shipped['test_int8']:.2f} (seed {shipped['seed']}) | "
            f"{time['ratio']:.2f} ({time['low']:.2f} to {time['high']:.2f}) | "
            f"{found['seconds']['mean'] / 60:.0f} min |"
        )
    return "\n".join(lines)


def fast_line() -> str:
    """Return how fast `fast` is, in two sentences."""
    record = json.loads(FRONTIER.read_text(encoding="utf-8"))["fast"]
    ours, classic, ratio = record["fast"], record[CLASSIC], record["times_as_fast"]
    needed = reached(classic, record["goal"])
    there = "it did not reach" if ratio is None else f"it reached {ratio:.1f} times as fast"
    return (
        f"`mnist-edge train --recipe fast` took {ours['seconds']:.0f} s from its start to its end, "
        "imports and pictures included, and reached "
        f"{100 * ours['test_accuracy']:.2f} % on the test images. The validation accuracy that "
        f"`{CLASSIC}` ends with, {100 * record['goal']:.2f} %, which took that {needed:.0f} s, "
        f"{there}."
    )


def stress_tables() -> str:
    """Return how the shipped networks stand stress, as Markdown."""
    return "\n".join(stress_markdown(json.loads(STRESS.read_text(encoding="utf-8"))))


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


def formats_table() -> str:
    """Return what can be exported, with what it came to for `edge`, as Markdown."""
    rows = {row["model"]: row for row in json.loads(FORMATS.read_text(encoding="utf-8"))["edge"]}
    lines = [
        "| | what it is | input and output | scales of weights | calibration | kB | accuracy |",
        "| --- | --- | --- | --- | --- | ---: | ---: |",
    ]
    for (form, quantization), row in VALID.items():
        found = rows[f"edge-{quantization}.{form}"]
        options = (", ".join(each) or "–" for each in (row.io, row.granularity, row.method))
        flag = quantization if quantization == "float32" else f"--{quantization}"
        lines.append(
            f"| {form} `{flag}` | {row.about} | {' | '.join(options)} | "
            f"{found['bytes'] / 1000:.1f} | {100 * found['accuracy']:.2f} % |"
        )
    return "\n".join(lines)


def drops_table() -> str:
    """Return the change of accuracy of each format against Keras, by recipe, as Markdown."""
    record = json.loads(FORMATS.read_text(encoding="utf-8"))
    lines = [f"| | {' | '.join(f'`{name}`' for name in record)} |"]
    lines.append("| --- |" + " ---: |" * len(record))
    for row in record["edge"]:
        file = row["model"].removeprefix("edge-")
        drops = (
            next(each["drop"] for each in rows if each["model"] == f"{name}-{file}")
            for name, rows in record.items()
        )
        lines.append(f"| {file} | {' | '.join(f'{0 - drop:+.2f}' for drop in drops)} |")
    return "\n".join(lines)


def qat_table() -> str:
    """Return what fine-tuning for int8 is worth, accuracy on validation and test, as Markdown."""
    ways = {
        "post_training": "post-training",
        "float_fine_tuned": "after as much more training in float",
        "quantization_aware": "quantization-aware",
    }
    lines = [
        f"| int8, in % | {' | '.join(ways.values())} | does it help |",
        "| --- |" + " ---: |" * 4,
    ]
    for row in json.loads(QAT.read_text(encoding="utf-8"))["rows"]:
        name = f"`{row['run']}`, {row['granularity']}"
        if row["channel_times"] != 1:
            name += f", one channel times {row['channel_times']:g}"
        parts = [row[part]["accuracy"] for part in ("validation", "test")]
        cells = [" / ".join(f"{100 * each[way]:.2f}" for each in parts) for way in ways]
        lines.append(f"| {name} | {' | '.join(cells)} | {'yes' if row['helps'] else 'no'} |")
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


def demo_table(record: dict[str, Any]) -> str:
    """Return what `mnist-edge bench` prints of a record, as 80 columns show it."""
    console = Console(width=80, file=io.StringIO(), highlight=False)
    show(record, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "```\n" + "\n".join(line.rstrip() for line in text.splitlines()) + "\n```"


def put(text: str, name: str, table: str) -> str:
    """Return `text` with `table` between the marks of `name`."""
    start, end = f"<!-- table: {name} -->\n", "\n<!-- end -->"
    before, _, rest = text.partition(start)
    after = rest[rest.index(end.strip()) :]
    return f"{before}{start}{table}\n{after}"


def tables() -> dict[Path, dict[str, str]]:
    """Return the tables of each page that are made from records, by their marks."""
    return {
        README: {"frontier": frontier_table(), "wrapper": wrapper_table(ONE_IMAGE)},
        ARTIFACTS: {
            "frontier": frontier_table(),
            "fast": fast_line(),
            "stress": stress_tables(),
            "recipes": recipes_table(),
        },
        PLATFORMS: {"platforms": platforms_table()},
        BENCHMARK: {"repeat": repeat_table()},
        BESIDE: {
            "wrapper-more": wrapper_table(("keras", "batch", "start_memory")),
            **peers_tables(),
        },
        EXPORT: {"formats": formats_table(), "drops": drops_table(), "qat": qat_table()},
    }


def main() -> None:
    """Write the tables."""
    found = tables()
    if sys.argv[1:]:
        record = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
        found[README]["demo"] = demo_table(record)
    for page, each in found.items():
        text = page.read_text(encoding="utf-8")
        for name, table in each.items():
            text = put(text, name, table)
        write_file(page, text)


if __name__ == "__main__":
    main()
