"""insp_metrics_compute and insp_roc_json against sklearn.metrics, and Wilson's interval against its formula in exact
rational arithmetic up to the root."""
import ctypes as c
import decimal
import fractions
import os

import numpy as np
import pytest
from sklearn import metrics as sk

LIB = c.CDLL(os.environ["INSP_PARITY_LIB"])


class Error(c.Structure):
    _fields_ = [("code", c.c_int), ("detail", c.c_char * 512)]


class Rate(c.Structure):
    _fields_ = [("hits", c.c_uint64), ("of", c.c_uint64), ("value", c.c_double), ("low", c.c_double), ("high", c.c_double)]


class Metrics(c.Structure):
    _fields_ = [("true_anomaly", c.c_uint64), ("false_anomaly", c.c_uint64), ("true_good", c.c_uint64),
                ("false_good", c.c_uint64), ("accuracy", Rate), ("precision", Rate), ("recall", Rate), ("specificity", Rate),
                ("balanced_accuracy", c.c_double), ("f1", c.c_double), ("roc_auc", c.c_double), ("stratum_count", c.c_size_t),
                ("stratum", c.POINTER(Rate))]


LIB.insp_rate.restype = Rate
LIB.insp_rate.argtypes = [c.c_uint64, c.c_uint64]


def compute(probability, label, strata, threshold):
    """-> (Metrics, [(hits, of)] per stratum)"""
    count, stratum_count = len(label), int(strata.max()) + 1
    result, error = Metrics(), Error()
    strata = np.ascontiguousarray(strata, np.uintp)
    code = LIB.insp_metrics_compute(c.c_void_p(probability.ctypes.data), c.c_void_p(label.ctypes.data),
                                    c.c_void_p(strata.ctypes.data), c.c_size_t(count), c.c_size_t(stratum_count),
                                    c.c_double(threshold), c.byref(result), c.byref(error))
    assert code == 0, error.detail
    per_stratum = [(r.hits, r.of) for r in result.stratum[:stratum_count]]
    LIB.insp_metrics_clear.restype = None
    copy = Metrics.from_buffer_copy(result)
    LIB.insp_metrics_clear(c.byref(result))
    return copy, per_stratum


def random_case(random):
    """Both classes, coarse probabilities half of the time (ties), a threshold that often lies on one of them."""
    n = int(random.randint(2, 400))
    strata = random.randint(0, 5, n)
    strata[0], strata[1] = 0, 4
    label = (strata > 0).astype(np.uint8)
    probability = np.clip(random.normal(0.3 + 0.3 * label, 0.25), 0, 1).astype(np.float32)
    if random.randint(2):
        probability = np.round(probability * 8).astype(np.float32) / np.float32(8)
    threshold = float(random.choice([0.5, 0.25, 0.3, float(probability[0]), 0.99]))
    return probability, label, strata, threshold


def test_against_sklearn():
    random, worst = np.random.RandomState(1), 0.0
    for _ in range(500):
        probability, label, strata, threshold = random_case(random)
        ours, per_stratum = compute(probability, label, strata, threshold)
        called = (probability.astype(np.float64) >= threshold).astype(np.uint8)
        (tn, fp), (fn, tp) = sk.confusion_matrix(label, called, labels=[0, 1])
        assert (ours.true_anomaly, ours.false_anomaly, ours.true_good, ours.false_good) == (tp, fp, tn, fn)
        pairs = [(ours.accuracy.value, sk.accuracy_score(label, called)),
                 (ours.balanced_accuracy, sk.balanced_accuracy_score(label, called)),
                 (ours.recall.value, sk.recall_score(label, called)),
                 (ours.specificity.value, sk.recall_score(label, called, pos_label=0)),
                 (ours.f1, sk.f1_score(label, called)),
                 (ours.roc_auc, sk.roc_auc_score(label, probability))]
        if called.any():
            pairs.append((ours.precision.value, sk.precision_score(label, called)))
        else:
            assert np.isnan(ours.precision.value)
        worst = max(worst, max(abs(a - b) for a, b in pairs))
        right = [(int((called == label)[strata == s].sum()), int((strata == s).sum())) for s in range(5)]
        assert per_stratum == right
    print(f"500 random sets: largest difference of any figure {worst:.1e}")
    assert worst < 1e-12


@pytest.mark.parametrize("anomalies", [0, 1])
def test_one_class_only(anomalies):
    label = np.full(9, anomalies, np.uint8)
    ours, _ = compute(np.linspace(0, 1, 9, dtype=np.float32), label, label.astype(int), 0.5)
    assert np.isnan(ours.roc_auc) and np.isnan(ours.balanced_accuracy)
    assert ours.accuracy.value == sk.accuracy_score(label, np.linspace(0, 1, 9) >= 0.5)


def wilson(hits, of):
    """(p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n), 40 digits"""
    decimal.getcontext().prec = 40
    z = decimal.Decimal("1.959963984540054235524594430520551")
    n, z2 = decimal.Decimal(of), z * z
    p = decimal.Decimal(hits) / n
    centre, half = p + z2 / (2 * n), z * (p * (1 - p) / n + z2 / (4 * n * n)).sqrt()
    return float((centre - half) / (1 + z2 / n)), float((centre + half) / (1 + z2 / n))


def test_wilson_interval():
    worst = 0.0
    for of in [*range(1, 60), 187, 188, 1000, 10**6]:
        for hits in {0, 1, of // 3, of // 2, of - 1, of}:
            rate = LIB.insp_rate(hits, of)
            assert rate.value == float(fractions.Fraction(hits, of)) and (rate.hits, rate.of) == (hits, of)
            low, high = wilson(hits, of)
            worst = max(worst, abs(rate.low - low), abs(rate.high - high))
            assert 0 <= rate.low <= rate.value <= rate.high <= 1
    print(f"Wilson interval: largest difference from 40 digits {worst:.1e}")
    assert worst < 1e-14
