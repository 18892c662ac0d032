"""Samples at X = 18, 24 and 30 of a made-up transition whose W_c and nu are known."""

import numpy as np
import pandas as pd

from anderson_ness.analysis import transition
from anderson_ness.theory import scaling

SIZES = (8, 10, 12, 14, 16, 20)
DISORDERS = (8.0, 13.0, 15.0, 16.0, 16.5, 17.0, 18.0, 19.0, 21.0, 25.0, 30.0, 36.0)
CRITICAL, NU = 16.7, 1.4


def density(disorder):
    """A density of states that falls as in the Anderson model."""
    return 0.94 * np.asarray(disorder) ** -0.99


def shape(y, nu):
    """Logarithm of C_d at X = 24: flat in the metal, falling as Y^-nu when localized."""
    return np.log(0.45) - 0.1 * y - nu * np.log1p(0.2 * np.logaddexp(0, 1.5 * y))


def sample_table(
    samples=200,
    spread=0.2,
    seed=1,
    alpha=0.0,
    by_level=True,
    sizes=SIZES,
    disorders=DISORDERS,
    critical=CRITICAL,
    nu=NU,
):
    """Samples with skewed fluctuations that are mostly common to the three X of a sample."""
    rng = np.random.default_rng(seed)
    tables = []
    for length in sizes:
        for disorder in disorders:
            y = scaling.scaled_disorder(disorder, length, critical, nu)
            levels = density(disorder) / density(16.5) if by_level else 1.0
            common = np.exp(spread * rng.normal(size=samples) - spread**2 / 2)
            for x in transition.SCALED_BIASES:
                own = 1 + 0.2 * spread * rng.normal(size=samples)
                value = np.exp(shape(y, nu)) * (x / 24 * levels) * length**alpha * common * own
                bias = float(scaling.bias_at(x, length))
                columns = {"length": length, "disorder": disorder, "seed": np.arange(samples), "bias": bias}
                leads = {"t_parallel": 3.0, "t_perp": 1.0, "t_contact": 3.0}
                tables.append(pd.DataFrame(columns | leads | {"coherence": value, "converged": True}))
    return pd.concat(tables, ignore_index=True)
