"""What is to be said of a bench record in words: of what it is, and which decisions changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_edge.report.bench_cells import accuracy, names, who
from mnist_edge.report.layout import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

FEW = 5  # images that are named in a sentence
RARER = {
    "Flips": "became wrong/became right",
    "McNemar": "p of such flips by chance alone",
    "Worst class": "the one that lost most, and its change",
    "Calib.": "expected calibration error, 0 to 1",
    "MAD": "median absolute deviation of Image",
    "Images/s": "in batches of the size that gives most",
    "Import": "of the runtime",
    "Load": "opening the model",
    "First": "the first answer",
    "Memory": "resident after the first answer",
}  # by head of the column


def words_on_what(record: Mapping[str, Any], width: int, heads: Collection[str] = ()) -> list[str]:
    """Say what images, machine and threads the table is of, and what its columns mean.

    Args:
        record: of a bench.
        width: that sentences are folded to.
        heads: of the columns that are shown.
    """
    said = (what(record), f"On {machine(record)}.", *legend(record, heads))
    return [line for each in said for line in fold(each, width)]


def legend(record: Mapping[str, Any], heads: Collection[str] = ()) -> list[str]:
    """Return what the columns of a table mean, as lines; of the rarer ones, those in `heads`."""
    ran = [row for row in record["results"] if row["status"] == "ok"]
    shares = [accuracy(row) for row in ran]
    ends = []
    if not any(shares):
        ends.append("The images have no labels.")
    if any("±" in each for each in shares):
        ends.append("±: half the 95 % Wilson interval.")
    if any("–" in each for each in shares):
        ends.append("a–b: the 95 % Wilson interval, where it is one-sided.")
    if any(row["gate_failures"] for row in ran):
        ends.append("!: below its gate.")
    rarer = [f"{head}: {words}." for head, words in RARER.items() if head in heads]
    usual = "Call: set, run and get in the runtime, p50. Image, p99: image in, label out."
    return [each for each in (usual, " ".join(ends), " ".join(rarer)) if each]


def what(record: Mapping[str, Any]) -> str:
    """Return the images and what the models are held against, as a sentence."""
    dataset = record["dataset"]
    threads = sorted({row["threads"] for row in record["results"]})
    many = "1 thread" if threads == [1] else f"{', '.join(map(str, threads))} threads"
    return (
        f"{dataset['samples']:,} test images of {dataset['name']}, {_held_against(record)}; {many}."
    )


def machine(record: Mapping[str, Any]) -> str:
    """Return what the record tells of the machine, without what it does not."""
    found = record["machine"]
    cores, governor, python = (found.get(key) for key in ("cores", "governor", "python"))
    parts = (
        found.get("board"),
        found.get("processor"),
        f"{cores} core{'s' * (cores != 1)}" if cores else None,
        f"{found.get('system') or ''} {found.get('architecture') or ''}".strip(),
        f"governor {governor}" if governor else None,
        f"Python {python}" if python else None,
    )
    return ", ".join(filter(None, parts)) or "a machine that tells nothing of itself"


def words_on_decisions(record: Mapping[str, Any], width: int) -> list[str]:
    """Say which decisions are not the reference's, and which class lost most by it."""
    said: dict[str, list[tuple[Mapping[str, Any], str]]] = {}
    known = 0
    for row, name in zip(record["results"], names(record["results"]), strict=True):
        if row["status"] != "ok" or row["parity"]["agreement"] is None:
            continue
        known += 1
        found = _decisions(row["parity"])
        if found:
            said.setdefault(found, []).append((row, name))
    if known and not said:
        return fold("Every decision is the reference's, on every row.", width)
    return [line for found, rows in said.items() for line in fold(f"{who(rows)}: {found}", width)]


def _held_against(record: Mapping[str, Any]) -> str:
    found = {row["reference"] for row in record["results"] if row["reference"]}
    if not found:
        return "no float model here to agree with"
    return f"agreement with {found.pop() if len(found) == 1 else 'the float model of each bundle'}"


def _decisions(parity: Mapping[str, Any]) -> str:
    """Return the decisions that changed, in a sentence; nothing where none did."""
    samples = parity["samples"]
    changed = round((1 - parity["agreement"]) * samples)
    if not changed:
        return ""
    text = f"{changed:,} of {samples:,} decisions differ"
    flips = parity.get("flips") or {}
    wrong, right = parity["flips_to_wrong"], parity["flips_to_right"]
    if wrong is None or right is None:
        return text + _images(flips.get("other"))
    other = changed - wrong - right
    parts = [
        f"{count:,} {words}{_images(flips.get(key))}"
        for count, words, key in (
            (wrong, "became wrong", "to_wrong"),
            (right, "became right", "to_right"),
            (other, "wrong both ways", "other"),
        )
        if count
    ]
    text += f": {', '.join(parts)}"
    if parity["mcnemar_p"] is not None:
        text += f"; McNemar p {parity['mcnemar_p']:.2g}"
    worst = parity.get("worst_class")
    if worst is not None and worst["change"] < 0:
        text += f"; class {worst['label']} suffers most, {worst['change']:+.2f} points"
    return text


def _images(flips: Sequence[Sequence[int]] | None) -> str:
    if not flips:
        return ""
    shown = ", ".join(str(flip[0]) for flip in flips[:FEW])
    more = f" and {len(flips) - FEW:,} more" if len(flips) > FEW else ""
    return f" (image{'s' * (len(flips) > 1)} {shown}{more})"
