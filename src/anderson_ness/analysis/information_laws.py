"""How what the halves of a bar know of each other grows with its size: equilibrium part, driven part, exponents.

Numbers of one sample have the names that `anderson_ness.steady_state_information` gives them, in a mapping or in a
table with a row a sample, such as the ensemble ``information``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anderson_ness.analysis import estimators
from anderson_ness.analysis.fits import Fit, power_law
from anderson_ness.ensembles import read_table
from anderson_ness.theory.scaling import bias_at

ENSEMBLE = "information"
FEWEST = 8
"""A point with fewer samples has no error bar worth the name."""

STATES = ("", "reversed_", "equilibrium_")
"""Prefixes of the three states of every sample: at the bias, at the opposite bias, and their mean, G^s."""

MEASURES = ("mutual_information", "renyi_2_information", "negativity", "coherence")
"""What the drive adds to is asked of these."""


@dataclass(frozen=True)
class Sizes:
    """Means of one quantity at the sizes of one disorder strength, in order of size.

    Attributes
    ----------
    length, value, error
        Size, mean and its standard error, each of shape (n,). Sizes are independent.
    samples
        How many samples each mean rests on, shape (n,).

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.information_laws import Sizes
    >>> means = Sizes(np.array([4.0, 6.0]), np.array([0.1, 0.3]), np.array([0.01, 0.02]), np.array([20, 20]))
    >>> len(means)
    2
    """

    length: NDArray[np.float64]
    value: NDArray[np.float64]
    error: NDArray[np.float64]
    samples: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.length)


def driven(measured: Mapping[str, Any] | pd.DataFrame, quantity: str) -> Any:
    """What the drive adds to a quantity: the mean of both directions of the drive less the equilibrium part.

    ``I^d = [I(G^s + G^d) + I(G^s - G^d)] / 2 - I(G^s)``, without anything odd in the bias. The disorder average of
    I(G) is that of I(G^s) + I^d, because the two directions belong to mirror images of the sample.

    Parameters
    ----------
    measured
        Numbers or arrays by name, or a table.
    quantity
        One of `MEASURES`.

    Returns
    -------
    number, array or Series
        As the entries of ``measured`` are.

    Examples
    --------
    >>> from anderson_ness.analysis.information_laws import driven
    >>> measured = {"negativity": 1.4, "reversed_negativity": 1.2, "equilibrium_negativity": 1.0}
    >>> round(driven(measured, "negativity"), 3)
    0.3
    """
    both = (measured[quantity] + measured[f"reversed_{quantity}"]) / 2
    return both - measured[f"equilibrium_{quantity}"]


def gather(folder: str | Path) -> pd.DataFrame:
    """The stored ensemble, with columns ``driven_mutual_information`` and so on beside ``driven_coherence``.

    The driven part of C itself equals C_d, the ensemble's ``driven_coherence``, up to rounding: C is quadratic in G.

    Raises
    ------
    TableError
        If there is no such table.

    Examples
    --------
    >>> from anderson_ness.analysis.information_laws import gather
    >>> table = gather("data")
    >>> sorted(name for name in table if name.startswith("driven_"))
    ['driven_coherence', 'driven_mutual_information', 'driven_negativity', 'driven_renyi_2_information']
    """
    table = read_table(ENSEMBLE, folder)
    columns = {f"driven_{name}": driven(table, name) for name in MEASURES if name != "coherence"}
    return table.assign(**columns)


def sizes(
    table: pd.DataFrame,
    quantity: str,
    disorder: float,
    *,
    bias: float | None = None,
    X: float | None = None,
    fewest: int = FEWEST,
) -> Sizes:
    """Means of a column at all sizes, at one bias or one X = bias L0^3 / Wc.

    Parameters
    ----------
    table
        As `gather` returns.
    quantity
        The column.
    disorder
        Disorder strength.
    bias, X
        One of them.
    fewest
        Sizes with fewer samples are left out.

    Raises
    ------
    ValueError
        If neither or both of ``bias`` and ``X`` are given.

    Examples
    --------
    >>> from anderson_ness.analysis.information_laws import gather, sizes
    >>> means = sizes(gather("data"), "driven_mutual_information", disorder=10.0, X=24.0)
    >>> bool((means.value > 0).all()), bool((means.samples >= 8).all())
    (True, True)
    """
    if (bias is None) == (X is None):
        raise ValueError("bias or X must be given, and not both")
    here = table[np.isclose(table["disorder"], disorder)]
    wanted = np.full(len(here), bias) if X is None else bias_at(X, here["length"].to_numpy(dtype=float))
    here = here[np.isclose(here["bias"], wanted, rtol=1e-6)]
    groups = {length: group[quantity].to_numpy() for length, group in here.groupby("length")}
    kept = {length: estimators.mean(values) for length, values in groups.items() if len(values) >= fewest}
    return Sizes(
        np.array(list(kept), dtype=float),
        np.array([one.value for one in kept.values()], dtype=float),
        np.array([one.error for one in kept.values()], dtype=float),
        np.array([one.samples for one in kept.values()], dtype=int),
    )


def exponent(means: Sizes) -> tuple[float, float]:
    """Exponent of a power law of the size, and its standard error.

    Where sizes scatter about the power law by more than their errors, the error grows accordingly.

    Raises
    ------
    ValueError
        If there are fewer than two sizes, or a mean is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.information_laws import Sizes, exponent
    >>> means = Sizes(np.array([4.0, 8.0]), np.array([1.0, 4.0]), np.array([0.05, 0.2]), np.array([20, 20]))
    >>> value, error = exponent(means)
    >>> round(value, 3), round(error, 3)
    (2.0, 0.102)
    """
    if len(means) < 2:
        raise ValueError("means must hold two sizes at least")
    fit: Fit = power_law(means.value, means.error, {"length": means.length})
    scatter = max(1.0, float(np.sqrt(np.nan_to_num(fit.reduced_chi_square, nan=1.0))))
    return fit.values["length"], fit.errors["length"] * scatter
