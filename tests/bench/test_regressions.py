from mnist_edge.bench.regressions import Regression, of_missing, summary


def test_a_summary_counts_rows_by_kind_and_stays_short():
    slower = [Regression("slower", f"row {each // 2}", "text") for each in range(14)]
    assert summary(slower, 10) == "7 rows slower by more than 10 %"
    assert summary(slower[:1], 2.5) == "1 row slower by more than 2.5 %"
    rest = [Regression(each, "row 0", "text") for each in ("accuracy", "gate", "failed")]
    assert summary([*slower, *rest, of_missing("a"), of_missing("b")], 10) == (
        "1 row no longer running, 2 missing, 1 less accurate than allowed, 1 newly below the gate, "
        "7 slower by more than 10 %"
    )
    assert summary([], 10) == ""
