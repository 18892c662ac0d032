"""Finite-size scaling with one irrelevant field, after Slevin and Ohtsuki, PRL 82, 382 (1999).

A quantity of cubes (or bars) of size L at disorder strength W is expanded as ::

    L^alpha sum_ij F_ji (chi L^(1/nu))^i (psi L^y)^j,    chi = w + b_2 w^2 + ...,   psi = 1 + c_1 w + ...,

with w = W/W_c - 1, so that chi L^(1/nu) is the paper's Y to first order, and y < 0 the irrelevant exponent. Several
quantities of the same samples, such as the coherence at several biases, may be fitted at once: they share the fields
and have coefficients F of their own. The F enter linearly and are eliminated (variable projection): the minimiser sees
only W_c, nu, y, b and c.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pandas as pd
import scipy.linalg
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from anderson_ness import _check
from anderson_ness.analysis import estimators
from anderson_ness.analysis.fits import Fit, inverse_square, whitener
from anderson_ness.analysis.tables import Block

# A minimiser that takes nu or -y outside this range has run away.
_EXPONENTS = (0.2, 20.0)
# How many samples' worth of trust the spread has that all sizes of one disorder strength share.
_SHARED_SAMPLES = 32


@dataclass(frozen=True)
class Points:
    """Data of a finite-size scaling analysis.

    Attributes
    ----------
    length, disorder
        Size and disorder strength of each datum, shape (n,).
    value
        Data, shape (n,).
    covariance
        Their covariance matrix, shape (n, n).
    observable
        Which quantity each datum is, 0, 1, ..., shape (n,).

    Examples
    --------
    >>> from anderson_ness.analysis.finite_size import Points
    >>> points = Points.of([8, 8, 12], [15.0, 18.0, 15.0], value=[0.9, 0.5, 1.0], uncertainty=[0.1, 0.1, 0.2])
    >>> points.select(points.length > 8).error
    array([0.2])
    """

    length: NDArray[np.float64]
    disorder: NDArray[np.float64]
    value: NDArray[np.float64]
    covariance: NDArray[np.float64]
    observable: NDArray[np.intp]

    @classmethod
    def of(
        cls, length: ArrayLike, disorder: ArrayLike, value: ArrayLike, uncertainty: ArrayLike, observable: ArrayLike = 0
    ) -> "Points":
        """Points from arrays; ``uncertainty`` holds standard errors or is a covariance matrix.

        Raises
        ------
        ValueError
            If shapes differ, a number is not finite, or the covariance is not positive definite.
        """
        data = _check.real_array("value", value)
        lengths, disorders = _check.real_array("length", length), _check.real_array("disorder", disorder)
        if data.ndim != 1 or lengths.shape != data.shape or disorders.shape != data.shape:
            raise ValueError("length, disorder and value must be one-dimensional arrays of one shape")
        whitener(uncertainty, data.size)
        error = np.asarray(uncertainty, dtype=float)
        covariance = np.diag(error**2) if error.ndim == 1 else error.copy()
        labels = np.unique(np.broadcast_to(np.asarray(observable), data.shape), return_inverse=True)[1]
        return cls(lengths, disorders, data, covariance, labels)

    @classmethod
    def from_blocks(cls, blocks: Sequence[Block]) -> "Points":
        """Points from the sample means of `tables.blocks`, whose ``across`` (the scaled bias) tells observables apart.

        Data of one block are correlated, those of different blocks are not.

        Raises
        ------
        ValueError
            If the blocks are not all of the same leads, or a block has fewer samples than biases need.
        """
        places = {tuple(block.point[name] for name in ("length", "disorder")) for block in blocks}
        if len(places) < len(blocks):
            raise ValueError("blocks must be of one kind of leads: a length and disorder appear twice")
        estimates = [estimators.mean_vector(block.values) for block in blocks]
        sizes = [len(block.across) for block in blocks]
        return cls.of(
            np.repeat([block.point["length"] for block in blocks], sizes),
            np.repeat([block.point["disorder"] for block in blocks], sizes),
            np.concatenate([estimate.value for estimate in estimates]),
            scipy.linalg.block_diag(*[estimate.covariance for estimate in estimates]),
            np.concatenate([block.across for block in blocks]),
        )

    @classmethod
    def logarithms(cls, blocks: Sequence[Block]) -> "Points":
        """Logarithms of the sample means of blocks, with the covariance of `relative_covariances`.

        Weights that follow a mean's own scatter pull a fit to means that came out low, where samples are few and
        skewed; in logarithms, with spreads shared among sizes, they do not. The logarithm of a noisy mean is too small
        by half its relative variance on average; that is put back.

        Raises
        ------
        ValueError
            As `from_blocks` and `relative_covariances`, or if a mean is not positive.
        """
        means = np.concatenate([block.values.mean(axis=0) for block in blocks])
        if not np.all(means > 0):
            raise ValueError("blocks must have positive means")
        covariance = scipy.linalg.block_diag(*relative_covariances(blocks))
        sizes = [len(block.across) for block in blocks]
        return cls.of(
            np.repeat([block.point["length"] for block in blocks], sizes),
            np.repeat([block.point["disorder"] for block in blocks], sizes),
            np.log(means) + np.diagonal(covariance) / 2,
            covariance,
            np.concatenate([block.across for block in blocks]),
        )

    @property
    def error(self) -> NDArray[np.float64]:
        """Standard errors of the data."""
        return np.sqrt(np.diagonal(self.covariance))

    def select(self, keep: ArrayLike) -> "Points":
        """The data of a mask; observables keep their order."""
        mask = np.asarray(keep, dtype=bool)
        labels = np.unique(self.observable[mask], return_inverse=True)[1]
        covariance = self.covariance[np.ix_(mask, mask)]
        return Points(self.length[mask], self.disorder[mask], self.value[mask], covariance, labels)


def resampled_values(blocks: Sequence[Block], resamples: int = 200, seed: int = 0) -> NDArray[np.float64]:
    """Bootstrap replicas of ``Points.from_blocks(blocks).value``, shape (resamples, n), whole samples drawn.

    Their logarithms are replicas of ``Points.logarithms(blocks).value``, less what noise takes from a logarithm.

    Examples
    --------
    >>> from anderson_ness.analysis.finite_size import Points, resampled_values
    >>> from anderson_ness.analysis.transition import transition_blocks
    >>> from anderson_ness.ensembles import read_table
    >>> blocks = transition_blocks(read_table("fig2b"))
    >>> replicas = resampled_values(blocks, resamples=100)
    >>> # Their spread is the standard error of the means.
    >>> spread = replicas.std(axis=0) / Points.from_blocks(blocks).error
    >>> bool(0.8 < spread.mean() < 1.1)
    True
    """
    rng = np.random.default_rng(seed)
    return np.hstack([estimators.bootstrap_means(block.values, resamples, rng) for block in blocks])


def relative_covariances(blocks: Sequence[Block]) -> list[NDArray[np.float64]]:
    """Covariance of each block's sample means over the product of the means, shape (k, k) each.

    The spread of a few samples is uncertain and goes up and down with their mean. So a block's own relative spread is
    averaged with that of all sizes of its disorder strength with the same columns, which counts as 32 samples: among
    few samples the common one decides, among hundreds their own.

    Raises
    ------
    ValueError
        If a block holds fewer than two samples, or a sample lacks a value.

    Examples
    --------
    >>> from anderson_ness.analysis.finite_size import relative_covariances
    >>> from anderson_ness.analysis.transition import transition_blocks
    >>> from anderson_ness.ensembles import read_table
    >>> blocks = transition_blocks(read_table("fig2b"))
    >>> all(covariance.shape == (1, 1) for covariance in relative_covariances(blocks))
    True
    """
    sums = []
    shared: dict[tuple[float, ...], tuple[NDArray[np.float64], int]] = {}
    for block in blocks:
        if len(block.values) < 2 or not np.all(np.isfinite(block.values)):
            raise ValueError("blocks must hold at least two samples, each with all its values")
        deviations = block.values / block.values.mean(axis=0) - 1
        sums.append((deviations.T @ deviations, len(block.values) - 1))
        before = shared.get(_kind(block), (0.0, 0))
        shared[_kind(block)] = before[0] + sums[-1][0], before[1] + sums[-1][1]
    result = []
    for block, (products, freedom) in zip(blocks, sums, strict=True):
        total, count = shared[_kind(block)]
        spread = (products + _SHARED_SAMPLES * total / count) / (freedom + _SHARED_SAMPLES)
        result.append(spread / len(block.values))
    return result


def _kind(block: Block) -> tuple[float, ...]:
    """Disorder strength and columns."""
    return (float(block.point["disorder"]), *block.across.tolist())


@dataclass(frozen=True)
class Expansion:
    """Orders of the expansion.

    Attributes
    ----------
    relevant
        Order n_R in the relevant variable chi L^(1/nu).
    irrelevant
        Order n_I in the irrelevant one; 0: no corrections to scaling.
    relevant_field
        Order m_R >= 1 of chi in w.
    irrelevant_field
        Order m_I of psi in w.
    corrections
        Order in the relevant variable of the terms with j > 0; None: that of the leading ones.
    free_alpha
        Whether alpha is fitted; else it is 0.
    logarithmic
        Whether the data are logarithms: alpha then enters as alpha ln L, one more linear parameter.

    Examples
    --------
    >>> from anderson_ness.analysis.finite_size import Expansion
    >>> expansion = Expansion(relevant=2, irrelevant=1, relevant_field=1, corrections=0)
    >>> expansion.field_names, expansion.coefficient_names(1)
    (['critical_disorder', 'nu', 'y'], ['F_00', 'F_01', 'F_02', 'F_10'])
    """

    relevant: int = 3
    irrelevant: int = 1
    relevant_field: int = 2
    irrelevant_field: int = 0
    corrections: int | None = None
    free_alpha: bool = False
    logarithmic: bool = False

    def __post_init__(self) -> None:
        if self.relevant < 1 or self.relevant_field < 1 or self.irrelevant < 0 or self.irrelevant_field < 0:
            raise ValueError("relevant and relevant_field must be at least 1, irrelevant and irrelevant_field 0")

    @property
    def field_names(self) -> list[str]:
        """Parameters that enter non-linearly."""
        correction = ["y", *(f"c_{k}" for k in range(1, self.irrelevant_field + 1))] if self.irrelevant else []
        alpha = ["alpha"] if self.free_alpha and not self.logarithmic else []
        return ["critical_disorder", "nu", *(f"b_{k}" for k in range(2, self.relevant_field + 1)), *correction, *alpha]

    @property
    def terms(self) -> list[tuple[int, int]]:
        """Powers (j, i) of the irrelevant and the relevant variable, one an F_ji."""
        highest = self.relevant if self.corrections is None else self.corrections
        return [(j, i) for j in range(self.irrelevant + 1) for i in range((self.relevant if j == 0 else highest) + 1)]

    def coefficient_names(self, observables: int) -> list[str]:
        """Names ``F_ji`` (one observable) or ``F_ji_k`` of the linear parameters, and ``alpha`` of logarithms."""
        suffixes = [""] if observables == 1 else [f"_{k}" for k in range(observables)]
        own = [*(f"F_{j}{i}" for j, i in self.terms), *(["alpha"] if self._linear_alpha else [])]
        return [f"{name}{suffix}" for suffix, name in product(suffixes, own)]

    @property
    def _linear_alpha(self) -> bool:
        return self.free_alpha and self.logarithmic

    def relevant_variable(self, fields: Mapping[str, float], length: ArrayLike, disorder: ArrayLike) -> NDArray:
        """chi L^(1/nu)."""
        w = np.asarray(disorder, dtype=float) / fields["critical_disorder"] - 1
        chi = w + sum(fields[f"b_{k}"] * w**k for k in range(2, self.relevant_field + 1))
        return chi * np.asarray(length, dtype=float) ** (1 / fields["nu"])

    def irrelevant_variable(self, fields: Mapping[str, float], length: ArrayLike, disorder: ArrayLike) -> NDArray:
        """psi L^y; zero in an expansion without corrections."""
        size = np.asarray(length, dtype=float)
        if not self.irrelevant:
            return np.zeros_like(size)
        w = np.asarray(disorder, dtype=float) / fields["critical_disorder"] - 1
        return (1 + sum(fields[f"c_{k}"] * w**k for k in range(1, self.irrelevant_field + 1))) * size ** fields["y"]

    def design(self, fields: Mapping[str, float], points: Points) -> NDArray[np.float64]:
        """Matrix that takes the F to predictions of the data, shape (n, number of F)."""
        relevant = self.relevant_variable(fields, points.length, points.disorder)
        irrelevant = self.irrelevant_variable(fields, points.length, points.disorder)
        prefactor = points.length ** (0.0 if self.logarithmic else fields.get("alpha", 0.0))
        parts = [prefactor * irrelevant**j * relevant**i for j, i in self.terms]
        columns = np.stack([*parts, *([np.log(points.length)] if self._linear_alpha else [])], axis=1)
        shares = np.eye(points.observable.max() + 1)[points.observable]
        return (shares[:, :, None] * columns[:, None, :]).reshape(len(columns), -1)


@dataclass(frozen=True)
class ScalingFit:
    """A fitted expansion.

    Attributes
    ----------
    points, expansion
        What was fitted by what.
    fit
        Parameters ``critical_disorder``, ``nu``, ``y``, ``alpha``, b_k, c_k and F_ji, with their covariance, chi^2
        and p-value. Those absent from the expansion are absent here.
    fixed
        Parameters that were held at a value.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.finite_size import Expansion, Points, fit_scaling
    >>> length, disorder = (grid.ravel() for grid in np.meshgrid([6.0, 8.0, 12.0], [15.0, 16.0, 17.0, 18.0]))
    >>> value = 2 - (disorder / 16.5 - 1) * length ** (1 / 1.6)
    >>> points = Points.of(length, disorder, value, np.full(12, 0.01))
    >>> best = fit_scaling(points, Expansion(relevant=1, irrelevant=0, relevant_field=1))
    >>> # The data collapse onto a straight line through 2.
    >>> bool(np.allclose(best.corrected, best.scaling_function(best.variable)))
    True
    >>> round(float(best.scaling_function(0.0)), 3)
    2.0
    """

    points: Points
    expansion: Expansion
    fit: Fit
    fixed: Mapping[str, float] = field(default_factory=dict)

    @property
    def predicted(self) -> NDArray[np.float64]:
        """The model at the data, shape (n,)."""
        return self.expansion.design(self.fit.values, self.points) @ self._coefficients

    @property
    def variable(self) -> NDArray[np.float64]:
        """Relevant variable chi L^(1/nu) of the data, shape (n,)."""
        return self.expansion.relevant_variable(self.fit.values, self.points.length, self.points.disorder)

    @property
    def corrected(self) -> NDArray[np.float64]:
        """Data over L^alpha without their corrections to scaling: on the curve `scaling_function`, up to noise.

        Of logarithms alpha ln L is taken off.
        """
        values = self.fit.values
        names = self.expansion.coefficient_names(self.points.observable.max() + 1)
        leading = np.array([name.startswith("F_0") for name in names])
        design = self.expansion.design(values, self.points)
        corrections = design[:, ~leading] @ self._coefficients[~leading]
        power = 0.0 if self.expansion.logarithmic else values.get("alpha", 0.0)
        return (self.points.value - corrections) / self.points.length**power

    def scaling_function(self, variable: ArrayLike, observable: int = 0) -> NDArray[np.float64]:
        """Leading scaling function sum_i F_0i variable^i of one observable."""
        count = len(self.expansion.coefficient_names(1))
        own = self._coefficients[observable * count : (observable + 1) * count]
        leading = [own[number] for number, (j, _) in enumerate(self.expansion.terms) if j == 0]
        return np.polynomial.polynomial.polyval(np.asarray(variable, dtype=float), leading)

    @property
    def _coefficients(self) -> NDArray[np.float64]:
        names = self.expansion.coefficient_names(self.points.observable.max() + 1)
        return np.array([self.fit.values[name] for name in names])


@dataclass(frozen=True)
class Replicas:
    """Fits to resampled data.

    Attributes
    ----------
    values
        Parameters that enter non-linearly, one row a fit.
    chi_square
        chi^2 of each fit, against the errors of the data that were fitted first.
    failed
        Replicas whose fit found no minimum; they are not in ``values``.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from anderson_ness.analysis.finite_size import Replicas
    >>> replicas = Replicas(pd.DataFrame({"nu": np.linspace(1.4, 1.8, 201)}), np.ones(201), failed=0)
    >>> low, high = replicas.interval("nu", level=0.5)
    >>> round(low, 2), round(high, 2)
    (1.5, 1.7)
    """

    values: pd.DataFrame
    chi_square: NDArray[np.float64]
    failed: int

    def error(self, name: str) -> float:
        """Standard deviation of a parameter over replicas; sensitive to fits that ran far away."""
        return float(self.values[name].std(ddof=1))

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Percentile interval of a parameter."""
        low, high = np.quantile(self.values[name], [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def fit_scaling(
    points: Points,
    expansion: Expansion,
    start: Mapping[str, float] | None = None,
    fixed: Mapping[str, float] | None = None,
) -> ScalingFit:
    """Weighted least-squares fit of the expansion, from several starts; the best minimum is kept.

    Data that do not determine the corrections make the fit run away in y: the result then says that it did not
    converge, and the expansion wants fewer terms. Linear errors are too small where the bootstrap's are larger.

    Parameters
    ----------
    points
        Data.
    expansion
        Orders.
    start
        Start values of parameters that enter non-linearly; None or absent: the middle of the disorder strengths,
        nu = 1 and 1.6, y = -1, -2.5 and -6, and zeros.
    fixed
        Such parameters that are held at a value instead.

    Returns
    -------
    ScalingFit

    Raises
    ------
    ValueError
        If there are fewer data than parameters, a start value has the wrong sign, or what is to be fixed is none of
        the expansion's parameters that enter non-linearly.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.finite_size import Expansion, Points, fit_scaling
    >>> length, disorder = (grid.ravel() for grid in np.meshgrid([6.0, 8.0, 12.0], [15.0, 16.0, 17.0, 18.0]))
    >>> value = 2 - (disorder / 16.5 - 1) * length ** (1 / 1.6)
    >>> points = Points.of(length, disorder, value, np.full(12, 0.01))
    >>> best = fit_scaling(points, Expansion(relevant=1, irrelevant=0, relevant_field=1)).fit
    >>> round(best.values["critical_disorder"], 3), round(best.values["nu"], 3)
    (16.5, 1.6)
    """
    held = dict(fixed or {})
    for name in held:
        if name not in expansion.field_names:
            raise ValueError(f"fixed must name parameters among {', '.join(expansion.field_names)}, not {name!r}")
    given = dict(start or {}) | held
    if given.get("nu", 1.0) <= 0 or given.get("y", -1.0) >= 0:
        raise ValueError("start must have nu > 0 and y < 0")
    problem = _Projection(points, expansion, held)
    middle = float((points.disorder.min() + points.disorder.max()) / 2)
    guesses = {"critical_disorder": [middle], "nu": [1.0, 1.6], "y": [-1.0, -2.5, -6.0]}
    choices = [[given[name]] if name in given else guesses.get(name, [0.0]) for name in problem.names]
    attempts = [problem.minimise(np.array(choice), points.value) for choice in product(*choices)]
    return problem.result(min(attempts, key=lambda attempt: (not attempt[2], attempt[1])))


def parametric_bootstrap(best: ScalingFit, resamples: int = 200, seed: int = 0) -> Replicas:
    """Fits to synthetic data: the fitted model plus noise of the data's covariance.

    Their chi^2 tell how probable the observed one is where a count of degrees of freedom may mislead.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.finite_size import Expansion, Points, fit_scaling, parametric_bootstrap
    >>> length, disorder = (grid.ravel() for grid in np.meshgrid([6.0, 8.0, 12.0], [15.0, 16.0, 17.0, 18.0]))
    >>> value = 2 - (disorder / 16.5 - 1) * length ** (1 / 1.6)
    >>> points = Points.of(length, disorder, value, np.full(12, 0.01))
    >>> best = fit_scaling(points, Expansion(relevant=1, irrelevant=0, relevant_field=1))
    >>> replicas = parametric_bootstrap(best, resamples=40)
    >>> bool(0.5 < replicas.error("nu") / best.fit.errors["nu"] < 2)
    True
    """
    lower = np.linalg.cholesky(best.points.covariance)
    noise = np.random.default_rng(seed).standard_normal((resamples, len(lower))) @ lower.T
    return refit(best, best.predicted + noise)


def refit(best: ScalingFit, values: ArrayLike) -> Replicas:
    """Fits to other values of the same data, such as `resampled_values` of the samples, shape (resamples, n).

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.finite_size import Expansion, Points, fit_scaling, refit
    >>> length, disorder = (grid.ravel() for grid in np.meshgrid([6.0, 8.0, 12.0], [15.0, 16.0, 17.0, 18.0]))
    >>> value = 2 - (disorder / 16.5 - 1) * length ** (1 / 1.6)
    >>> points = Points.of(length, disorder, value, np.full(12, 0.01))
    >>> best = fit_scaling(points, Expansion(relevant=1, irrelevant=0, relevant_field=1))
    >>> refit(best, [value, value + 0.01]).values.round(3).values.tolist()
    [[16.5, 1.6], [16.5, 1.6]]
    """
    rows = _check.real_array("values", values)
    if rows.ndim != 2 or rows.shape[1] != best.points.value.size:
        raise ValueError(f"values must have shape (resamples, {best.points.value.size}), not {rows.shape}")
    problem = _Projection(best.points, best.expansion, best.fixed)
    names = problem.names
    first = np.array([best.fit.values[name] for name in names])
    fits = [problem.minimise(first, row) for row in rows]
    found = [attempt for attempt in fits if attempt[2]]
    return Replicas(
        values=pd.DataFrame([problem.natural(attempt[0]) for attempt in found], columns=names),
        chi_square=np.array([attempt[1] for attempt in found]),
        failed=len(fits) - len(found),
    )


def size_dependence(
    points: Points,
    expansion: Expansion,
    smallest: Sequence[float],
    start: Mapping[str, float] | None = None,
    fixed: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """The fit with ever more small sizes left out; arguments as for `fit_scaling`.

    Returns
    -------
    DataFrame, one row a smallest size
        smallest_length, data, every parameter that enters non-linearly with its _error, chi_square,
        degrees_of_freedom, p_value, converged.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.finite_size import Expansion, Points, size_dependence
    >>> length, disorder = (grid.ravel() for grid in np.meshgrid([6.0, 8.0, 12.0], [15.0, 16.0, 17.0, 18.0]))
    >>> value = 2 - (disorder / 16.5 - 1) * length ** (1 / 1.6)
    >>> points = Points.of(length, disorder, value, np.full(12, 0.01))
    >>> found = size_dependence(points, Expansion(relevant=1, irrelevant=0, relevant_field=1), smallest=[6, 8])
    >>> found[["smallest_length", "data", "nu"]].round(3).values.tolist()
    [[6.0, 12.0, 1.6], [8.0, 8.0, 1.6]]
    """
    rows = []
    for length in smallest:
        best = fit_scaling(points.select(points.length >= length), expansion, start, fixed).fit
        row: dict[str, float] = {"smallest_length": length, "data": best.degrees_of_freedom + len(best.names)}
        for name in expansion.field_names:
            row |= {name: best.values[name], f"{name}_error": best.errors[name]}
        row |= {"chi_square": best.chi_square, "degrees_of_freedom": best.degrees_of_freedom}
        rows.append(row | {"p_value": best.p_value, "converged": best.converged})
    return pd.DataFrame(rows)


def collapse_quality(variable: ArrayLike, value: ArrayLike, error: ArrayLike, length: ArrayLike) -> float:
    """How well data of several sizes fall on one curve, without a model for the curve: about 1 if within errors.

    Each datum is compared with the straight line through the neighbours, on either side, of every other size
    (Houdayer and Hartmann, Phys. Rev. B 70, 014418 (2004)).

    Parameters
    ----------
    variable, value, error, length
        Scaling variable, datum, standard error and size, each of shape (n,).

    Returns
    -------
    float
        Mean squared deviation over its variance; NaN if no datum lies within the range of other sizes.

    Examples
    --------
    >>> from anderson_ness.analysis.finite_size import collapse_quality
    >>> x, y, length = [0.0, 1.0, 2.0, 0.5, 1.5], [0.0, 1.0, 2.0, 0.5, 1.5], [8, 8, 8, 12, 12]
    >>> collapse_quality(x, y, [0.1] * 5, length) < 1e-9
    True
    >>> collapse_quality(x, [0.0, 1.0, 2.0, 1.5, 2.5], [0.1] * 5, length) > 10
    True
    """
    x, y, e, size = (
        _check.real_array(name, one)
        for name, one in {"variable": variable, "value": value, "error": error, "length": length}.items()
    )
    if not (x.ndim == 1 and x.shape == y.shape == e.shape == size.shape and np.all(e > 0)):
        raise ValueError("variable, value, error and length must have one shape (n,), and error be positive")
    terms = []
    for at, own, spread, mine in zip(x, y, e, size, strict=True):
        line = _neighbours(x, size, at, mine)
        if len(line) < 2:
            continue
        design = np.stack([np.ones(len(line)), x[line] - at], axis=1)
        covariance = np.linalg.inv(design.T @ (design / e[line, None] ** 2))
        expected = (covariance @ design.T @ (y[line] / e[line] ** 2))[0]
        terms.append((own - expected) ** 2 / (spread**2 + covariance[0, 0]))
    return float(np.mean(terms)) if terms else np.nan


def _neighbours(x: NDArray, size: NDArray, at: float, mine: float) -> NDArray[np.intp]:
    """Of every other size whose data enclose ``at``, the nearest datum on either side."""
    chosen: list[int] = []
    for other in np.unique(size[size != mine]):
        members = np.flatnonzero(size == other)
        below, above = members[x[members] <= at], members[x[members] > at]
        if len(below) and len(above):
            chosen += [int(below[np.argmax(x[below])]), int(above[np.argmin(x[above])])]
    return np.array(chosen, dtype=np.intp)


class _Projection:
    """Least squares in the fields alone, the coefficients being eliminated.

    The minimiser's coordinates are the fields themselves but for nu and -y, which are positive: their logarithms.
    """

    def __init__(self, points: Points, expansion: Expansion, fixed: Mapping[str, float]) -> None:
        names = [name for name in expansion.field_names if name not in fixed]
        count = len(names) + len(expansion.coefficient_names(points.observable.max() + 1))
        if count > points.value.size:
            raise ValueError(f"points must hold at least {count} data, one a parameter, not {points.value.size}")
        self.points = points
        self.expansion = expansion
        self.fixed = dict(fixed)
        self.names = names
        self.whiten = whitener(points.covariance, points.value.size)
        # Sign of the fields whose logarithm is the coordinate, 0 for the others.
        self.sign = np.array([{"nu": 1.0, "y": -1.0}.get(name, 0.0) for name in names])

    def natural(self, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fields from coordinates."""
        exponents = np.exp(np.clip(coordinates, *np.log(_EXPONENTS)))
        return np.where(self.sign == 0, coordinates, self.sign * exponents)

    def _fields(self, coordinates: NDArray[np.float64]) -> dict[str, float]:
        """All fields, in the expansion's order."""
        found = dict(zip(self.names, self.natural(coordinates).tolist(), strict=True)) | self.fixed
        return {name: found[name] for name in self.expansion.field_names}

    def _whitened_design(self, fields: Mapping[str, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Whitened design of columns of unit length, and those lengths."""
        design = self.whiten @ self.expansion.design(fields, self.points)
        norms = np.linalg.norm(design, axis=0)
        norms[norms == 0] = 1
        return design / norms, norms

    def minimise(
        self, start: NDArray[np.float64], value: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float, bool]:
        """Coordinates of the minimum from natural start values, its chi^2, and whether it is one."""
        data = self.whiten @ value
        positive = self.sign != 0
        first = start.copy()
        first[positive] = np.log(self.sign[positive] * start[positive])

        def deviations(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
            basis, _ = np.linalg.qr(self._whitened_design(self._fields(coordinates))[0])
            return data - basis @ (basis.T @ data)

        if not self.names:
            return first, float(deviations(first) @ deviations(first)), True
        result = least_squares(deviations, first, method="lm", x_scale="jac", xtol=1e-9, ftol=1e-10, max_nfev=2000)
        exponents = np.exp(result.x[positive])
        inside = bool(np.all((exponents > _EXPONENTS[0]) & (exponents < _EXPONENTS[1])))
        return result.x, float(2 * result.cost), bool(result.success and inside)

    def result(self, minimum: tuple[NDArray[np.float64], float, bool]) -> ScalingFit:
        """All parameters at the minimum, with their covariance from the model's full Jacobian."""
        coordinates, chi_square, found = minimum
        fields = self._fields(coordinates)
        scaled, norms = self._whitened_design(fields)
        coefficients = np.linalg.lstsq(scaled, self.whiten @ self.points.value, rcond=None)[0] / norms
        jacobian = np.hstack([self._slopes(fields, coefficients), scaled * norms])
        linear = self.expansion.coefficient_names(self.points.observable.max() + 1)
        names = (*self.names, *linear)
        covariance = inverse_square(jacobian)
        values = fields | dict(zip(linear, coefficients.tolist(), strict=True))
        errors = dict.fromkeys(fields, 0.0) | dict(zip(names, np.sqrt(np.diagonal(covariance)).tolist(), strict=True))
        return ScalingFit(
            points=self.points,
            expansion=self.expansion,
            fit=Fit(
                values=values,
                errors=errors,
                names=names,
                covariance=covariance,
                chi_square=chi_square,
                degrees_of_freedom=self.points.value.size - len(names),
                converged=found and bool(np.all(np.isfinite(covariance))),
            ),
            fixed=self.fixed,
        )

    def _slopes(self, fields: dict[str, float], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivatives of the whitened model by the fields, at fixed coefficients, by central differences."""
        columns = [np.empty((len(self.whiten), 0))]
        for name in self.names:
            value = fields[name]
            step = 1e-5 * max(abs(value), 1.0)
            up, down = (
                self.expansion.design(fields | {name: value + sign * step}, self.points) @ coefficients
                for sign in (1, -1)
            )
            columns.append((self.whiten @ (up - down) / (2 * step))[:, None])
        return np.hstack(columns)
