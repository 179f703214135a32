"""Class counts of insp_split_* against scikit-learn's train_test_split(stratify=...) and StratifiedKFold(shuffle=True).

Which image goes where is each side's own draw; how many of each class go where is not, but for one freedom that both
have: which of equal remainders is rounded up. There ours must be one of the answers that scikit-learn draws."""
import ctypes as c
import os
import warnings

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold, train_test_split

LIB = c.CDLL(os.environ["INSP_PARITY_LIB"])


class Error(c.Structure):
    _fields_ = [("code", c.c_int), ("detail", c.c_char * 512)]


def sizes(strata):
    return c.c_void_p(strata.ctypes.data), c.c_size_t(len(strata))


def split(strata, stratum_count, share, seed):
    """-> bool [count], or ValueError with the detail"""
    strata = np.ascontiguousarray(strata, np.uintp)
    held, error = np.empty(len(strata), np.bool_), Error()
    if LIB.insp_split_stratified(*sizes(strata), c.c_size_t(stratum_count), c.c_double(share), c.c_uint64(seed),
                                 c.c_void_p(held.ctypes.data), c.byref(error)):
        raise ValueError(error.detail.decode())
    return held


def folds_of(strata, stratum_count, folds, seed):
    """-> (fold [count], thin), or ValueError with the detail"""
    strata = np.ascontiguousarray(strata, np.uintp)
    fold, thin, error = np.empty(len(strata), np.uintp), c.c_bool(), Error()
    if LIB.insp_split_folds(*sizes(strata), c.c_size_t(stratum_count), c.c_size_t(folds), c.c_uint64(seed),
                            c.c_void_p(fold.ctypes.data), c.byref(thin), c.byref(error)):
        raise ValueError(error.detail.decode())
    return fold, thin.value


def strata_of(counts, random):
    strata = np.repeat(np.arange(len(counts)), counts)
    random.shuffle(strata)
    return strata


def held_counts(strata, classes, held):
    return np.bincount(np.asarray(strata)[held], minlength=classes).tolist()


def sklearn_counts(strata, classes, share, seed):
    """Held-out counts per class; ValueError where scikit-learn refuses."""
    _, held = train_test_split(np.arange(len(strata)), test_size=share, stratify=strata, random_state=seed)
    return held_counts(strata, classes, held)


def has_ties(counts, share):
    """True where remainders are equal, so that counts are drawn."""
    counts = np.array([n for n in counts if n > 0])
    train = counts.sum() - int(np.ceil(share * counts.sum()))
    remainder = counts * train % counts.sum()  # exact: whole numbers
    return len(set(remainder.tolist())) < len(remainder)


def compare(counts, share, seed, random):
    """True where both split and agree, False where both refuse. Classes of one image are kept from scikit-learn."""
    classes, strata = len(counts), strata_of(counts, random)
    rest = strata[np.isin(strata, [s for s, n in enumerate(counts) if n > 1])]
    try:
        wanted = sklearn_counts(rest, classes, share, seed)
    except ValueError:
        with pytest.raises(ValueError, match="cannot be split with test_share"):
            split(strata, classes, share, seed)
        return False
    held = split(strata, classes, share, seed)
    ours = held_counts(strata, classes, held)
    assert (held == split(strata, classes, share, seed)).all()
    drawn = seed
    while ours != wanted:
        assert has_ties([n for n in counts if n > 1], share), (counts, share, seed, ours, wanted)
        assert drawn < seed + 400, (counts, share, seed, ours)
        drawn += 1
        wanted = sklearn_counts(rest, classes, share, drawn)
    return True


def test_random_sets():
    random, agreed, refused = np.random.RandomState(1), 0, 0
    for seed in range(600):
        counts = random.randint(2, random.choice([5, 60]), random.randint(2, 9)).tolist()
        done = compare(counts, float(random.uniform(0.05, 0.6)), seed, random)
        agreed, refused = agreed + done, refused + (not done)
    print(f"{agreed} splits with equal class counts, {refused} refused by both")
    assert agreed > 400 and refused > 5


@pytest.mark.parametrize("counts", [[116, 72], [229, 60], [40, 2], [40, 3, 2], [40, 1], [40, 1, 1, 20], [40, 1, 2, 3], [100, 100],
                                    [10, 10, 10, 10, 10], [2, 2], [209, 12, 1, 2, 3, 19], [3, 3, 3], [1000, 2]])
def test_awkward_sets(counts):
    random = np.random.RandomState(2)
    outcomes = [compare(counts, share, seed, random) for share in (0.1, 0.2, 0.25, 0.333, 0.5, 0.9) for seed in range(12)]
    print(f"{counts}: {sum(outcomes)} of {len(outcomes)} splits possible")


def test_one_image_which_sklearn_refuses_is_trained_on():
    strata = np.array([0] * 20 + [1] + [2] * 9)
    with pytest.raises(ValueError, match="least populated class"):
        sklearn_counts(strata, 3, 0.2, 1)
    for seed in range(50):
        assert not split(strata, 3, 0.2, seed)[20]


def test_folds_of_random_sets():
    random, compared, thin_sets = np.random.RandomState(3), 0, 0
    for seed in range(400):
        counts = random.randint(1, 40, random.randint(2, 9))
        folds = int(random.randint(2, 11))
        if counts[0] < folds or counts[1:].sum() < folds:
            continue
        strata = strata_of(counts, random)
        fold, thin = folds_of(strata, len(counts), folds, seed)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            parts = StratifiedKFold(folds, shuffle=True, random_state=seed).split(strata, strata)
            wanted = [held_counts(strata, len(counts), held) for _, held in parts]
        assert [held_counts(strata, len(counts), fold == f) for f in range(folds)] == wanted
        assert thin == bool(caught)
        compared, thin_sets = compared + 1, thin_sets + thin
    print(f"{compared} sets, {thin_sets} of them with a class of fewer images than folds: all folds equal")
    assert compared > 200 and thin_sets > 30


@pytest.mark.parametrize("counts", [[12, 1, 2, 3], [30, 1, 9], [30, 2, 8], [5, 5], [7, 1, 1, 1, 1, 1]])
def test_folds_of_awkward_sets(counts):
    for seed in range(30):
        strata = strata_of(counts, np.random.RandomState(seed))
        fold, thin = folds_of(strata, len(counts), 5, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parts = StratifiedKFold(5, shuffle=True, random_state=seed).split(strata, strata)
            wanted = [held_counts(strata, len(counts), held) for _, held in parts]
        assert [held_counts(strata, len(counts), fold == f) for f in range(5)] == wanted
        assert thin == (min(counts) < 5)


@pytest.mark.parametrize("counts, said", [([4, 20], "there are 4 and 20"), ([20, 1, 3], "there are 20 and 4"), ([0, 9], "0 and 9")])
def test_fewer_images_than_folds(counts, said):
    with pytest.raises(ValueError, match="5 folds need at least 5 good and 5 anomalous images.*" + said):
        folds_of(strata_of(counts, np.random.RandomState(4)), len(counts), 5, 1)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_shares_that_are_none(share):
    with pytest.raises(ValueError, match="test_share"):
        split(np.array([0, 0, 1, 1]), 2, share, 1)
