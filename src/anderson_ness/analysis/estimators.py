"""Estimators over independent samples, each with its standard error.

Rows of an array are samples. Numbers of one sample, such as its coherence at several biases, are correlated: they
share a row, and whatever resamples here resamples whole rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from anderson_ness import _check


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error, and how many samples it rests on.

    Examples
    --------
    >>> from anderson_ness.analysis.estimators import Estimate
    >>> Estimate(value=0.52, error=0.03, samples=40)
    Estimate(value=0.52, error=0.03, samples=40)
    """

    value: float
    error: float
    samples: int


@dataclass(frozen=True)
class VectorEstimate:
    """Several numbers of the same samples.

    Attributes
    ----------
    value
        Shape (k,).
    covariance
        Covariance matrix of ``value``, shape (k, k).
    samples
        How many samples each number rests on, shape (k,).

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.estimators import VectorEstimate
    >>> VectorEstimate(np.array([1.0, 2.0]), np.diag([0.04, 0.09]), np.array([10, 10])).error
    array([0.2, 0.3])
    """

    value: NDArray[np.float64]
    covariance: NDArray[np.float64]
    samples: NDArray[np.intp]

    @property
    def error(self) -> NDArray[np.float64]:
        """Standard errors, shape (k,)."""
        return np.sqrt(np.diagonal(self.covariance))


def mean(values: ArrayLike) -> Estimate:
    """Mean and its standard error.

    Raises
    ------
    ValueError
        Here and below: if there are fewer than two samples, or one is not a finite number.

    Examples
    --------
    >>> from anderson_ness.analysis.estimators import mean
    >>> found = mean([1.0, 2.0, 3.0, 4.0])
    >>> found.value, round(found.error, 3), found.samples
    (2.5, 0.645, 4)
    """
    sample = _samples(values)
    return Estimate(float(sample.mean()), float(stats.sem(sample)), len(sample))


def median(values: ArrayLike, resamples: int = 400, seed: int = 0) -> Estimate:
    """Median, with its standard error from the bootstrap (`scipy.stats.bootstrap`).

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.estimators import median
    >>> heavy = np.exp(2 * np.random.default_rng(1).normal(size=400))
    >>> found = median(heavy)
    >>> # The median of the logarithmic normal distribution is 1; its mean is exp(2), about 7.
    >>> abs(found.value - 1) < 3 * found.error
    True
    """
    sample = _samples(values)
    # In batches of about a million numbers, whatever the number of samples.
    drawn = stats.bootstrap(
        (sample,),
        np.median,
        n_resamples=resamples,
        batch=max(1, 1_000_000 // len(sample)),
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return Estimate(float(np.median(sample)), float(drawn.standard_error), len(sample))


def typical(values: ArrayLike) -> Estimate:
    """Typical value exp(mean ln), of positive numbers; its error is the value times that of the mean logarithm.

    Examples
    --------
    >>> from anderson_ness.analysis.estimators import typical
    >>> round(typical([0.01, 1.0, 100.0]).value, 6)
    1.0
    """
    sample = _samples(values)
    if not np.all(sample > 0):
        raise ValueError("values must be positive: the typical value is exp(mean ln)")
    logarithm = mean(np.log(sample))
    value = float(np.exp(logarithm.value))
    return Estimate(value, value * logarithm.error, len(sample))


def mean_vector(rows: ArrayLike) -> VectorEstimate:
    """Means over samples of several numbers a sample, with their covariance.

    Parameters
    ----------
    rows
        Shape (samples, k); NaN where a number was not computed for a sample. Every column's mean takes all numbers
        there are; the covariance of two means comes from the samples that have both, times n_ab/(n_a n_b).

    Returns
    -------
    VectorEstimate
        Covariances of columns that share fewer than two samples are zero.

    Raises
    ------
    ValueError
        If a column has fewer than two numbers, or one is infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.estimators import mean_vector
    >>> rows = np.random.default_rng(1).normal(size=(100, 1)) * [1.0, 2.0]
    >>> found = mean_vector(rows)
    >>> # Two numbers of the same samples, fully correlated.
    >>> bool(np.isclose(found.covariance[0, 1], found.error[0] * found.error[1]))
    True
    """
    matrix = _matrix(rows)
    present = np.isfinite(matrix)
    counts = present.sum(axis=0)
    if np.any(counts < 2):
        raise ValueError("rows must hold at least two samples in every column")
    filled = np.where(present, matrix, 0.0)
    value = filled.sum(axis=0) / counts
    shared = present.T.astype(float) @ present
    # Centred on the means of the shared samples, so that two columns give what numpy.cov says of them.
    sums = filled.T @ present
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = (filled.T @ filled - sums * sums.T / shared) / (shared - 1)
    covariance = np.where(shared > 1, covariance, 0.0) * shared / np.outer(counts, counts)
    return VectorEstimate(value, covariance, counts)


def jackknife(function: Callable[..., Any], *groups: ArrayLike) -> VectorEstimate:
    """A quantity derived from means, such as a ratio of means, by the jackknife over whole samples.

    Parameters
    ----------
    function
        Takes one argument a group, the mean over the group's samples (a number, or shape (k,) for rows of k
        numbers), and returns a number or an array.
    *groups
        Each of shape (samples,) or (samples, k). Groups are independent: samples are left out of one at a time, and
        their contributions to the variance add. What belongs to the same sample goes into one group.

    Returns
    -------
    VectorEstimate
        The function of the means (a plain number becomes shape (1,)); its bias, of order 1/samples, stays.

    Examples
    --------
    >>> from anderson_ness.analysis.estimators import jackknife
    >>> found = jackknife(lambda mean: mean[0] / mean[1], [[1.0, 2.1], [2.0, 3.9], [3.0, 6.1], [4.0, 7.9]])
    >>> found.value.round(3), found.error.round(3)
    (array([0.5]), array([0.006]))
    """
    samples = [_rows(group) for group in groups]
    means = [group.mean(axis=0) for group in samples]
    value = np.atleast_1d(np.asarray(function(*means), dtype=float))
    covariance = np.zeros((value.size, value.size))
    for number, group in enumerate(samples):
        count = len(group)
        without = (count * means[number] - group) / (count - 1)
        derived = np.array(
            [np.atleast_1d(function(*means[:number], one, *means[number + 1 :])) for one in without], dtype=float
        )
        spread = derived - derived.mean(axis=0)
        covariance += spread.T @ spread * (count - 1) / count
    return VectorEstimate(value, covariance, np.full(value.size, sum(map(len, samples))))


def bootstrap(
    function: Callable[..., Any], *groups: ArrayLike, resamples: int = 1000, seed: int = 0
) -> NDArray[np.float64]:
    """Replicas of a quantity derived from means, by the bootstrap over whole samples; arguments as for `jackknife`.

    Returns
    -------
    ndarray of shape (resamples, ...)
        The function of the resampled means; its standard deviation over replicas is the standard error.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.estimators import bootstrap, mean
    >>> values = np.random.default_rng(1).normal(size=200)
    >>> replicas = bootstrap(lambda mean: mean, values)
    >>> bool(abs(replicas.std() / mean(values).error - 1) < 0.1)
    True
    """
    rng = np.random.default_rng(seed)
    means = [bootstrap_means(_rows(group), resamples, rng) for group in groups]
    return np.array([function(*one) for one in zip(*means, strict=True)], dtype=float)


def bootstrap_means(rows: ArrayLike, resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Means of ``resamples`` bootstrap samples, whole rows drawn with replacement.

    Parameters
    ----------
    rows
        Shape (samples,) or (samples, k); NaN where a number was not computed.
    resamples
        How many.
    rng
        Random stream.

    Returns
    -------
    ndarray of shape (resamples,) or (resamples, k)
        NaN where no drawn sample had the number.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.estimators import bootstrap_means
    >>> means = bootstrap_means([1.0, 2.0, 3.0], resamples=5, rng=np.random.default_rng(1))
    >>> means.shape, bool(np.all((means >= 1) & (means <= 3)))
    ((5,), True)
    """
    matrix = np.asarray(rows, dtype=float)
    count = len(matrix)
    present = np.isfinite(matrix)
    filled = np.where(present, matrix, 0.0)
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=resamples).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (drawn @ filled) / (drawn @ present)


def _samples(values: ArrayLike) -> NDArray[np.float64]:
    sample = _check.real_array("values", values)
    if sample.ndim != 1 or len(sample) < 2:
        raise ValueError(f"values must be an array of at least two samples, not of shape {sample.shape}")
    return sample


def _rows(group: ArrayLike) -> NDArray[np.float64]:
    rows = _check.real_array("groups", group)
    if rows.ndim not in (1, 2) or len(rows) < 2:
        raise ValueError(f"groups must have shape (samples,) or (samples, k), two samples at least, not {rows.shape}")
    return rows


def _matrix(rows: ArrayLike) -> NDArray[np.float64]:
    matrix = np.asarray(rows, dtype=float)
    if matrix.ndim != 2 or np.any(np.isinf(matrix)):
        raise ValueError("rows must have shape (samples, k) and hold finite numbers, or NaN where there is none")
    return matrix
