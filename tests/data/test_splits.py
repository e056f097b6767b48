from __future__ import annotations

import numpy as np
import pytest

from mnist_edge.data.splits import stratified_sample, stratified_split
from mnist_edge.errors import SettingError

LABELS = np.repeat(np.arange(4, dtype=np.uint8), [100, 40, 7, 1])
MIXED = np.random.default_rng(5).permutation(LABELS)


def counts(labels, positions):
    return np.bincount(labels[positions], minlength=4).tolist()


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    first, again = stratified_split(MIXED, 0.2, 3), stratified_split(MIXED, 0.2, 3)
    other = stratified_split(MIXED, 0.2, 4)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[1], other[1])


def test_a_seed_means_the_positions_it_meant_when_results_were_published():
    _, held = stratified_split(np.arange(40) % 2, 0.25, 0)
    sample = stratified_sample(np.arange(40) % 2, 6, 0)
    assert held.tolist() == [1, 4, 8, 12, 19, 21, 26, 27, 31, 38]
    assert sample.tolist() == [1, 8, 12, 21, 31, 38]


def test_classes_are_shuffled_independently():
    _, held = stratified_split(np.arange(200) % 2, 0.1, 0)
    even, odd = held[held % 2 == 0], held[held % 2 == 1]
    assert not np.array_equal(even + 1, odd)


def test_every_class_gives_its_share_and_at_least_one_where_it_has_two():
    _, held = stratified_split(MIXED, 0.2, 0)
    assert counts(MIXED, held) == [20, 8, 1, 0]
    _, held = stratified_split(MIXED, 0.001, 0)
    assert counts(MIXED, held) == [1, 1, 1, 0]


def test_every_class_keeps_at_least_one_sample():
    kept, _ = stratified_split(MIXED, 0.999, 0)
    assert counts(MIXED, kept) == [1, 1, 1, 1]


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.999])
def test_the_parts_are_sorted_disjoint_and_complete(share):
    kept, held = stratified_split(MIXED, share, 0)
    assert np.all(np.diff(kept) > 0)
    assert np.all(np.diff(held) > 0)
    assert sorted([*kept, *held]) == list(range(len(MIXED)))


@pytest.mark.parametrize("labels", [MIXED, np.empty(0, np.uint8)])
def test_share_0_holds_nothing_out(labels):
    kept, held = stratified_split(labels, 0, 0)
    assert kept.tolist() == list(range(len(labels)))
    assert held.tolist() == []
    assert held.dtype.kind == "i"


@pytest.mark.parametrize("share", [-0.1, 1, 1.5, float("nan")])
def test_a_share_outside_0_to_1_is_refused(share):
    with pytest.raises(SettingError, match=r"wanted at least 0 and below 1"):
        stratified_split(MIXED, share, 0)


@pytest.mark.parametrize(
    ("count", "wanted"),
    [
        (4, [1, 1, 1, 1]),
        (13, [4, 4, 4, 1]),  # the class of one gives it, the others make up
        (28, [10, 10, 7, 1]),
        (148, [100, 40, 7, 1]),
    ],
)
def test_a_sample_is_even_over_classes_and_small_ones_are_compensated(count, wanted):
    assert counts(MIXED, stratified_sample(MIXED, count, 0)) == wanted


def test_a_sample_that_does_not_divide_differs_by_at_most_one_a_class():
    labels = np.arange(50) % 5
    per_class = np.bincount(labels[stratified_sample(labels, 13, 0)])
    assert per_class.sum() == 13
    assert per_class.max() - per_class.min() == 1


def test_a_sample_is_sorted_distinct_and_chosen_by_the_seed():
    first, again = stratified_sample(MIXED, 30, 1), stratified_sample(MIXED, 30, 1)
    assert np.all(np.diff(first) > 0)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, stratified_sample(MIXED, 30, 2))


@pytest.mark.parametrize("count", [0, -1, len(MIXED) + 1])
def test_a_sample_of_none_or_of_more_than_there_are_is_refused(count):
    with pytest.raises(SettingError, match=rf"sample count is {count}; wanted 1\.\.148"):
        stratified_sample(MIXED, count, 0)
