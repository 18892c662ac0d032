"""Slips of the paper that no other chapter's claim is about: both readings, computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import cg

from anderson_ness import (
    AndersonBar,
    mutual_coherence,
    nonequilibrium_correlations,
    scattering_states,
    slice_currents,
    transmission,
)
from anderson_ness.analysis.cavity import power_law
from anderson_ness.companion.verdicts import readings
from anderson_ness.companion.verdicts.finding import DISAGREES, ERRATUM, REPRODUCED, Finding
from anderson_ness.information import entropy
from anderson_ness.theory.scaling import CRITICAL_DISORDER
from anderson_ness.theory.transfer import transfer_runs

_SEED = 3


def unit_current(data: Path) -> Finding:
    """After Eq. 7: the current of the states that Eqs. 2 and 7 need, over that of states with unit incoming current."""
    bar, energy = AndersonBar.random(4, 10.0, _SEED), 0.1
    left, _ = scattering_states(bar, energy)
    # Unit currents that come in, channel by channel, leave on the right as the sum of transmissions.
    ratio = float(slice_currents(bar, left.T @ left.conj()).mean() / transmission(bar, energy))
    quantity = "incoming current of a state that obeys Eq. 2 (1/2π = 0.159)"
    return readings.by_number(quantity, ratio, 0.0, printed=1.0, corrected=1 / (2 * np.pi), tolerance=1e-6)


def field_factor(data: Path) -> Finding:
    """S1 against Eq. 5, for one sample: the double integral over energies as a double sum over a quadrature."""
    bar, bias = AndersonBar.random(4, 8.0, _SEED), 0.5
    nodes, weights = np.polynomial.legendre.leggauss(40)
    fields = np.array([_driven_block(bar, bias / 2 * node) for node in nodes])
    overlaps = np.einsum("axy,bxy->ab", fields.conj(), fields).real * (bias / 2) ** 2
    double_integral = weights @ overlaps @ weights
    exact = mutual_coherence(nonequilibrium_correlations(bar, bias, rtol=1e-8), bar.left_half, bar.right_half)
    quantity = "C_d of Eq. 5 over the double integral of S1"
    return readings.by_number(quantity, float(exact / double_integral), 0.0, printed=1, corrected=2, tolerance=1e-5)


def _driven_block(bar: AndersonBar, energy: float) -> NDArray:
    """q^d_E between the halves at zero temperature, where n^d = 1/2."""
    left, right = scattering_states(bar, energy)
    a, b = bar.left_half, bar.right_half
    return (left[:, a].T @ left[:, b].conj() - right[:, a].T @ right[:, b].conj()) / 2


def diffusion_sign(data: Path) -> Finding:
    """S5 against S8, which it is to have as its solution: the coefficient of 1/(4 pi D r)."""
    printed = _coefficient(lambda r: np.ones_like(r), lambda r: 1 / r)
    quantity = "coefficient of 1/(4π D r) in the solution of S5 as printed (S8: 1)"
    return readings.by_number(quantity, printed, 0.0, printed=1, corrected=-1, tolerance=0.05)


def critical_diffusion_sign(data: Path) -> Finding:
    """S9 against S10, which it is to have as its solution: the coefficient of -log(r)/(4 pi)."""
    printed = _coefficient(lambda r: 1 / r, lambda r: -np.log(r))
    quantity = "coefficient of -log(r)/4π in the solution of S9 as printed (S10: 1)"
    return readings.by_number(quantity, printed, 0.0, printed=1, corrected=-1, tolerance=0.05)


Radial = Callable[[NDArray], NDArray]


def _coefficient(diffusion: Radial, shape: Radial, edge: int = 61) -> float:
    """How much of shape(r)/(4 pi) is in Y with ``div D(r) grad Y = delta`` on a lattice, Y = 0 on its boundary."""
    grid = np.indices((edge,) * 3) - edge // 2
    sites = np.arange(edge**3).reshape((edge,) * 3)
    rows, columns, values = [], [], []
    total = np.zeros(edge**3)
    for axis in range(3):
        # A bond's D is that of its middle; those at the boundary lead to sites where Y = 0.
        for side in (-1, 1):
            middle = grid.astype(float)
            middle[axis] += side / 2
            strength = diffusion(np.sqrt((middle**2).sum(axis=0))).ravel()
            total += strength
            inside = np.abs(grid[axis] + side).ravel() <= edge // 2
            rows.append(sites.ravel()[inside])
            columns.append(np.roll(sites, -side, axis=axis).ravel()[inside])
            values.append(-strength[inside])
    matrix = sp.csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))) + sp.diags_array(
        total
    )
    source = np.zeros(edge**3)
    source[sites[(edge // 2,) * 3]] = 1
    # The matrix is that of -div D grad, which is positive.
    positive, failed = cg(matrix, source, rtol=1e-8, M=sp.diags_array(1 / total))
    if failed:
        raise RuntimeError("the diffusion equation was not solved")
    r = np.sqrt((grid**2).sum(axis=0)).ravel()
    near = (r > 3) & (r < 9)
    # The boundary adds a constant, and terms of the order of (r/edge)^2.
    design = np.stack([shape(r[near]) / (4 * np.pi), np.ones(near.sum()), r[near] ** 2], axis=1)
    return float(np.linalg.lstsq(design, -positive[near], rcond=None)[0][0])


def correlation_length_sign(data: Path) -> Finding:
    """S8's text, xi ~ |W - Wc|^nu: the power in the metal, with xi = L/Lambda of long bars up to a constant."""
    disorder = [6.0, 8.0, 10.0, 12.0, 14.0]
    runs = transfer_runs(4, disorder, range(_SEED, _SEED + len(disorder)), slices=8000)
    power = power_law(CRITICAL_DISORDER - np.array(disorder), [1 / run.reduced_length for run in runs])
    grows, shrinks = power.value > 2 * power.error, power.value < -2 * power.error
    verdict = ERRATUM if shrinks else REPRODUCED if grows else DISAGREES
    return Finding("power of |W - W_c| in ξ, W = 6 to 14 (printed: positive)", *power, verdict)


def infinite_temperature(data: Path) -> Finding:
    """Before S39, G = 2 I + dG: with which multiple of I is every Renyi entropy N log 2?"""
    off = {name: abs(_renyi_2(multiple) / np.log(2) - 1) for name, multiple in (("printed", 2.0), ("corrected", 0.5))}
    # Where it is a state, the package agrees with the formula.
    if abs(entropy(np.eye(3) / 2, 2.0) / 3 - _renyi_2(0.5)) > 1e-12:
        raise RuntimeError("two formulas for the Renyi entropy disagree")
    return readings.by_misfit("relative error of S_2 = N log 2 at G = 2I", **off, tolerance=1e-12)


def _renyi_2(occupation: float) -> float:
    """S32 per site for alpha = 2, whether or not the occupation is one."""
    return float(-np.log(occupation**2 + (1 - occupation) ** 2))
