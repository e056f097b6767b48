"""The tables of a record of peers, within 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from tools.peers.record import LIKE_OURS

if TYPE_CHECKING:
    from rich.console import Console

KINDS = ("int8", "float32")
HEAD = (
    "Image in, label out, one thread. The ratio is to ours of the same kind, with the middle "
    "90 % of the rounds; beside it, to ours in int8. Agreement is with ours of the same kind."
)
WHY = (
    "litert-benchmark times CompiledModel's run alone, on an input that was put in once. Ours "
    "checks the input, puts it in, runs, and reads the answer."
)
MORE_THAN_ONE = 1.1  # processors kept busy, by more than one thread


def show(record: dict[str, Any], console: Console) -> None:
    """Print all of them."""
    console.print(HEAD, "", sep="\n")
    for kind in KINDS:
        rows = [row for row in record["peers"] if row["kind"] == kind]
        if rows:
            console.print(peers(kind, rows), "")
    for name, what in remarks(record["peers"]):
        console.print(f"{name}: {what}", markup=False)
    console.print("Set, so that one thread does it:")
    for name, what in settings(record["peers"]):
        console.print(f"  {name}: {what}", markup=False)
    for name, what in record["products_failed"].items():
        console.print(f"{name}: {what}", markup=False)
    console.print()
    if record["bare_calls"]:
        console.print(calls(record["bare_calls"]), *verdicts(record["bare_calls"]), "", sep="\n")
    if found := record["roofline"]:
        console.print(products(found), "", limits(found), "", layers(found), sep="\n")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place else "left", overflow="fold")
    return table


def peers(kind: str, rows: list[dict[str, Any]]) -> Table:
    """Return the table of one kind: image in, label out."""
    table = _table(kind, "", "µs", "ratio", "to int8", "bare µs", "agree")
    for row in rows:
        bare = row["bare_us"] or row["run_us"] or row["own_us"]
        table.add_row(
            row["peer"],
            time(row["predict_us"]),
            outcome(row),
            times(row["to_ours_int8"]),
            time(bare),
            share(row["agreement"]),
        )
    return table


def outcome(row: dict[str, Any]) -> str:
    """Return the ratio of a row, or why there is none in a word."""
    if row["error"]:
        return "failed"
    return ranged(row["to_ours"]) if row["comparable"] else "other answers"


def remarks(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return what has to be said of some rows: who, and what."""
    found = []
    for row in rows:
        name = f"{row['peer']}, {row['kind']}"
        if row["error"]:
            found.append((name, row["error"]))
        elif not row["comparable"]:
            found.append((name, "it answers otherwise, so it is not compared"))
        elif row["note"]:
            found.append((name, row["note"]))
        if (row["processors"] or 0) > MORE_THAN_ONE:
            found.append((name, f"it kept {row['processors']:.1f} processors busy, not one"))
    return found


def settings(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return what was set of each peer, by its name."""
    return list({row["peer"]: row["settings"] for row in rows if row["settings"]}.items())


def calls(rows: list[dict[str, Any]]) -> Table:
    """Return what LiteRT's calls take."""
    table = _table("One .tflite, one thread: what each bare call of LiteRT's takes",
                   "", "", "µs", "ratio to Backend.invoke")  # fmt: skip
    for row in rows:
        table.add_row(row["call"], row["kind"], time(row["us"]), ranged(row["to_ours"]))
    return table


def verdicts(rows: list[dict[str, Any]]) -> list[str]:
    """Return, of each kind, whether our bare call is as quick as litert-benchmark says."""
    found = []
    for row in rows:
        if row["call"].startswith("litert-benchmark") and row["to_ours"]:
            ours = 1 / row["to_ours"]["median"]
            within = "within" if abs(ours - 1) <= LIKE_OURS else "not within"
            found.append(f"{row['kind']}: our bare call takes {ours:.2f} times what "
                         f"litert-benchmark says, {within} 10 %")  # fmt: skip
    return [*found, WHY] if found else []


def products(found: dict[str, Any]) -> Table:
    """Return what one core can do."""
    ghz = f" at {found['clock_ghz']:.2f} GHz" if found["clock_ghz"] else ""
    table = _table(f"What one core can do{ghz}: products of 256 by 256",
                   "", "", "GMAC/s", "a cycle", "at most")  # fmt: skip
    for row in found["products"]:
        peak = found["peaks"][row["kind"]]
        best = row["product"] == peak["product"]
        name = f"{row['product']}{', the best' if best else ''}"
        speed = row["gmacs"]["median"]
        each = f"{speed / found['clock_ghz']:.1f}" if found["clock_ghz"] else ""
        limit = str(peak["widest"]) if best and peak["widest"] else ""
        table.add_row(name, row["kind"], f"{speed:.0f}", each, limit)
    return table


def limits(found: dict[str, Any]) -> Table:
    """Return how far each model is from that."""
    table = _table("How far from the limit: µs, and share of the core's best",
                   "", "MMAC", "limit", "runtime alone", "our invoke", "predict")  # fmt: skip
    for row in found["models"]:
        cells = [
            f"{time(call['us'])}, {share(call['share']['median'])}" if call else "–"
            for call in map(row["calls"].get, ("run", "invoke", "predict"))
        ]
        table.add_row(row["model"], f"{row['macs'] / 1e6:.2f}", time(row["limit_us"]), *cells)
    return table


def layers(found: dict[str, Any]) -> Table:
    """Return what the limit is made of, layer by layer, for the first model of each kind."""
    firsts = [next(row for row in found["models"] if row["kind"] == kind)
              for kind in KINDS if kind in {row["kind"] for row in found["models"]}]  # fmt: skip
    names = [f"limit {row['kind']}" for row in firsts]
    table = _table("What the limit is made of, in µs", "", "output", "MMAC", *names)
    for each in zip(*(row["layers"] for row in firsts), strict=True):
        shape = " × ".join(map(str, each[0]["shape"][1:]))
        limit = (f"{layer['limit_us']:.2f}" for layer in each)
        table.add_row(each[0]["op"], shape, f"{each[0]['macs'] / 1e6:.3f}", *limit)
    return table


def time(found: dict[str, float] | None) -> str:
    """Return a median as people read it."""
    return "–" if found is None else short(found["median"])


def short(value: float) -> str:
    """Return a number in three digits, or whole where it is larger."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def times(found: dict[str, float] | None) -> str:
    """Return a ratio."""
    if found is None:
        return "–"
    return f"{found['median']:,.0f}" if found["median"] >= 100 else f"{found['median']:.2f}"


def ranged(found: dict[str, float] | None) -> str:
    """Return a ratio with the middle 90 % of the rounds."""
    if found is None:
        return "–"
    low, high = (times({"median": found[end]}) for end in ("p5", "p95"))
    return f"{times(found)} [{low}, {high}]"


def share(value: float | None) -> str:
    """Return a share in percent."""
    return (
        "–" if value is None else f"{100 * value:.4g} %" if value > 0.9 else f"{100 * value:.0f} %"
    )
