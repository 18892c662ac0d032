"""Tables of the coherence field whose every number is known."""

import numpy as np
import pandas as pd

from anderson_ness.analysis import coherence_field as analysis
from anderson_ness.analysis.coherence_field import Medium
from anderson_ness.ensembles.coherence_field import COLUMNS, DIFFERENCES, ENERGY_UNIT, LISTS
from anderson_ness.ensembles.csv_table import write_csv
from anderson_ness.theory import diffuson

RHO, D, EXTRAPOLATION = 0.08, 0.45, 0.2


def medium_of(length):
    """A cube in which particles diffuse."""
    transmission = 2 * np.pi * RHO * D * length**2 / (length + 2 * EXTRAPOLATION)
    return Medium(length, 20, RHO, EXTRAPOLATION, transmission)


def correlation_of(medium):
    """S at the table's differences, as large as the field says."""
    f = analysis.predicted_correlation(medium, DIFFERENCES * ENERGY_UNIT / medium.length**3)
    return analysis.predicted(medium, "energy")["coherence"] / 2 * f


def rows_of(kind, length, disorder, samples=20, spread=0.1, seed=0, **columns):
    """Rows of diffusive fields; ``spread`` is the samples' common relative noise. ``columns`` replace arrays."""
    rng = np.random.default_rng([seed, length])
    medium = medium_of(length)
    field = analysis.predicted(medium, kind)
    noise = rng.standard_normal(samples) * spread
    rows = []
    for number, one in enumerate(1 + noise - noise.mean()):
        row = {"kind": kind, "length": length, "disorder": disorder, "sample": number, "transmission": np.nan}
        row |= {name: field.get(name, []) for name in (*LISTS, "coherence")}
        if kind == "energy":
            row |= {"weight": np.full(length, RHO), "density": RHO * diffuson.profile(length, EXTRAPOLATION)}
            row |= {"transmission": medium.transmission, "correlation": correlation_of(medium)}
        row |= columns
        for name in ("slices", "planes", "radial", "correlation", "coherence"):
            row[name] = one * np.asarray(row[name])
        rows.append(row)
    return rows


def table_of(*parts):
    return pd.DataFrame([row for part in parts for row in part], columns=list(COLUMNS))


def write(folder, table):
    """The table as the file that the package reads."""
    stored = table.copy()
    for name in LISTS:
        stored[name] = [" ".join(f"{one:.9g}" for one in cell) for cell in table[name]]
    write_csv(folder / "coherence_field.csv", {"points": []}, stored)
