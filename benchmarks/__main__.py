"""Print the timings of benchmarks/README.md: everything in one run, on one thread, medians of several rounds.

``python -m benchmarks [--rounds N] [--lengths 8,12,16,20] [--tables states,window,growth,errors,quadrature,largest]``

The table of margins is printed when it is asked for: ``--tables margins``.
"""

import os
import resource

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import statistics
import sys
import time
from collections.abc import Callable
from unittest import mock

import click
import numpy as np

from anderson_ness import AndersonBar, Leads, WindowCoherence, scattering_states, window_coherence
from anderson_ness._kwant import scattering_states as kwant_states
from anderson_ness._kwant import solver_name
from anderson_ness.states import by_resonances

DISORDERS = (10.0, 16.5, 21.0, 33.0)
FLAT_AND_LONG = ((6, 14, 14), (24, 11, 11), (8, 9, 16), (5, 12, 12), (30, 11, 11), (9, 13, 11))


def product_rates() -> dict[str, float]:
    """Gflop/s of a product of complex matrices of order 400, by precision: the machine's limit."""
    rates = {}
    for name in ("complex64", "complex128"):
        matrix = np.ones((400, 400), dtype=name)
        rates[name] = 8 * 400**3 / median_time(lambda matrix=matrix: matrix @ matrix, 15) / 1e9
    return rates


def median_time(work: Callable[[], object], rounds: int) -> float:
    """Median wall time in seconds, after one round that does not count."""
    work()
    return statistics.median(_time(work) for _ in range(rounds))


def paired_times(first: Callable[[], object], second: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """Median times of two works done in turn, and the median of their ratios round by round."""
    first(), second()
    pairs = [(_time(first), _time(second)) for _ in range(rounds)]
    ratios = [a / b for a, b in pairs]
    return *(statistics.median(times) for times in zip(*pairs, strict=True)), statistics.median(ratios)


def _time(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def kwant_energy(bar: AndersonBar) -> Callable[[], object]:
    """One energy in Kwant: modes and wave functions of both leads, the system already built."""
    system = bar.to_kwant()
    return lambda: kwant_states(system, 0.05, bar.shape)


def states_table(lengths: list[int], rounds: int) -> None:
    """Scattering states of one energy: Kwant over the sweep."""
    print("\nScattering states of both leads at one energy, W = 16.5, seconds")
    print(f"{'L0':>4} {'sweep':>9} {'Kwant':>9} {'Kwant/sweep':>12}")
    for length in lengths:
        bar = AndersonBar.random(length, 16.5, seed=1)
        ours, theirs, ratio = paired_times(lambda bar=bar: scattering_states(bar, 0.05), kwant_energy(bar), rounds)
        print(f"{length:>4} {ours:>9.3f} {theirs:>9.3f} {1 / ratio:>12.1f}", flush=True)


def window_table(length: int, rounds: int, rtols: list[float]) -> None:
    """A whole window at X = 24 over one energy in Kwant."""
    bias = 24 * 16.5 / length**3
    print(f"\nwindow_coherence at L0 = {length}, X = 24, over ONE energy in Kwant, seconds")
    print(f"{'W':>6} {'rtol':>7} {'ours':>8} {'Kwant':>8} {'ratio':>7} {'estimate':>9}  converged")
    for disorder in DISORDERS:
        bar = AndersonBar.random(length, disorder, seed=1)
        for rtol in rtols:
            results = []

            def ours(bar=bar, rtol=rtol, results=results) -> None:
                results.append(window_coherence(bar, bias, rtol=rtol))

            mine, theirs, ratio = paired_times(ours, kwant_energy(bar), rounds)
            last = results[-1]
            row = f"{disorder:>6} {rtol:>7.0e} {mine:>8.2f} {theirs:>8.2f} {ratio:>7.2f}"
            print(f"{row} {last.relative_error:>9.1e}  {last.converged}", flush=True)


def growth_table(lengths: list[int], disorders: tuple[float, ...] = (16.5, 25.0)) -> None:
    """How the time of a window grows with the bar."""
    for disorder in disorders:
        print(f"\nwindow_coherence at W = {disorder}, X = 24, rtol = 1e-3, seconds")
        times = []
        for length in lengths:
            bar, bias = AndersonBar.random(length, disorder, seed=1), 24 * 16.5 / length**3
            times.append(_time(lambda bar=bar, bias=bias: window_coherence(bar, bias, rtol=1e-3)))
            print(f"  L0 = {length:>2}: {times[-1]:.3f}", flush=True)
        exponent = np.polyfit(np.log(lengths), np.log(times), 1)[0]
        print(f"  grows as L0^{exponent:.2f}", flush=True)


def errors_table(n_bars: int) -> None:
    """True errors and their estimates on random small bars, against converged quadrature."""
    print(f"\nErrors on {n_bars} random bars, W = 0 to 100, against quadrature at 1e-10")
    print(f"{'rtol':>7} {'converged':>10} {'largest error':>14} {'above rtol':>11} {'above estimate':>15}")
    rng = np.random.default_rng(1)
    cases = []
    while len(cases) < n_bars:
        shape = tuple(int(n) for n in rng.integers(1, 6, size=3))
        leads = Leads(t_contact=float(rng.choice([0.3, 1.0, 1.7, 3.0])))
        bar = AndersonBar.random(shape, float(rng.uniform(0, 100)), int(rng.integers(10_000)), leads=leads)
        bias = float(np.exp(rng.uniform(np.log(0.05), np.log(1.5))))
        exact = window_coherence(bar, bias, method="quadrature", rtol=1e-10)
        if exact.converged and exact.coherence > 0:
            cases.append((bar, bias, exact))
    for rtol in (1e-3, 1e-6, 1e-8):
        results = [(window_coherence(bar, bias, rtol=rtol), exact) for bar, bias, exact in cases]
        converged = [(result, exact) for result, exact in results if result.converged]
        errors = [_error(result, exact) for result, exact in converged]
        above = sum(_error(result, exact) > result.relative_error + 1e-10 for result, exact in results)
        row = f"{rtol:>7.0e} {len(converged):>10} {max(errors):>14.1e} {sum(e > rtol for e in errors):>11}"
        print(f"{row} {above:>15}", flush=True)


def margins_table(n_bars: int, rtol: float = 1e-3) -> None:
    """True errors of bars whose fields are compressed and their estimates, against the sampled remainder at 1e-6."""
    print(f"\nErrors on {n_bars} bars of 1000 to 4096 sites at rtol = {rtol:.0e}, against rtol = 1e-6")
    rng, pairs = np.random.default_rng(7), []
    for seed in range(1000, 1000 + n_bars):
        bar, X = _bar_to_reduce(rng, seed)
        biases = X * 16.5 / bar.n_sites * np.array([0.75, 1.0, 1.25])
        with mock.patch.object(by_resonances, "_compressed_plan", return_value=None):
            exact = window_coherence(bar, biases, rtol=1e-6)
        for some in (slice(1, 2), slice(None)):
            results = window_coherence(bar, biases[some], rtol=rtol)
            pairs += [(len(results), *pair) for pair in zip(results, exact[some], strict=True)]
    for number in (1, 3):
        errors = [(result, _error(result, reference)) for n, result, reference in pairs if n == number]
        converged = [error for result, error in errors if result.converged]
        above = sum(error > result.relative_error + 1e-6 for result, error in errors)
        row = f"  {number} bias(es): {len(converged)} of {len(errors)} converged, largest error {max(converged):.1e}"
        print(f"{row}, above rtol {sum(error > rtol for error in converged)}, above the estimate {above}", flush=True)


def _bar_to_reduce(rng: np.random.Generator, seed: int) -> tuple[AndersonBar, float]:
    """A random disordered bar, large enough to be reduced, and the size of its window."""
    kind = rng.choice(5, p=[0.28, 0.28, 0.18, 0.06, 0.2])
    if kind == 4:
        shape = FLAT_AND_LONG[rng.integers(len(FLAT_AND_LONG))]
        disorder = rng.uniform(max(7.0, 16.5 * 120 / (shape[1] * shape[2])), 33)
    else:
        length, *range_of_disorder = ((10, 20, 36), (12, 14, 33), (14, 10, 25), (16, 8, 14))[kind]
        shape, disorder = (length,) * 3, rng.uniform(*range_of_disorder)
    X, t_contact = float(rng.choice([4, 8, 12, 24, 24, 24, 40])), float(rng.choice([3, 3, 3, 1, 1.7]))
    return AndersonBar.random(shape, float(disorder), seed, leads=Leads(t_contact=t_contact)), X


def _error(result: WindowCoherence, exact: WindowCoherence) -> float:
    """The largest error in the sense of `WindowCoherence.relative_error`."""
    slope_scale = max(abs(exact.coherence_slope), exact.coherence / exact.bias)
    weight = float(np.abs(exact.spectral_weight).max())
    profile = max(float(np.abs(exact.density_profile).max()), 1e-6 * weight)
    return max(
        abs(result.coherence / exact.coherence - 1),
        abs(result.coherence_slope - exact.coherence_slope) / slope_scale,
        float(np.abs(result.density_profile - exact.density_profile).max()) / profile,
        float(np.abs(result.spectral_weight - exact.spectral_weight).max()) / weight,
    )


def quadrature_table(length: int, disorders: tuple[float, ...] = (21.0, 33.0)) -> None:
    """The same accuracy by adaptive quadrature on Kwant's states."""
    print(f"\nAdaptive quadrature on Kwant's states over window_coherence, L0 = {length}, X = 24, rtol = 1e-3, seconds")
    for disorder in disorders:
        bar, bias = AndersonBar.random(length, disorder, seed=1), 24 * 16.5 / length**3
        ours = median_time(lambda bar=bar, bias=bias: window_coherence(bar, bias, rtol=1e-3), 3)
        start = time.perf_counter()
        by_kwant = window_coherence(bar, bias, method="quadrature", states="kwant", rtol=1e-3, max_energies=4000)
        theirs = time.perf_counter() - start
        energies = f"{by_kwant.n_energies} energies, converged {by_kwant.converged}"
        print(f"  W = {disorder}: {theirs:.0f} / {ours:.2f} = {theirs / ours:.0f} ({energies})", flush=True)


def largest_table(length: int, disorder: float) -> None:
    """One sample of twice the paper's largest size, two threads."""
    bar, bias = AndersonBar.random(length, disorder, seed=1), 24 * 16.5 / length**3
    start = time.perf_counter()
    result = window_coherence(bar, bias, rtol=1e-3, threads=2)
    elapsed = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nL0 = {length}, W = {disorder}, X = 24, rtol = 1e-3, two threads: {elapsed:.0f} s, peak {memory:.1f} GB,")
    print(
        f"  C_d = {result.coherence:.5f}, estimate {result.relative_error:.1e}, converged {result.converged}",
        flush=True,
    )


TABLES = ("states", "window", "growth", "errors", "quadrature", "largest")


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Rounds counted of each pair.")
@click.option("--lengths", default="8,12,16,20", show_default=True, help="Sizes of the table of states.")
@click.option("--rtols", default="1e-3,1e-6", show_default=True, help="Tolerances of the table of windows.")
@click.option("--tables", default=",".join(TABLES), show_default=True, help="Which tables; margins takes half an hour.")
@click.option("--bars", default=150, show_default=True, help="Number of bars of the table of margins.")
def main(rounds: int, lengths: str, rtols: str, tables: str, bars: int) -> None:
    """Time the package against Kwant on this machine."""
    rates = product_rates()
    limits = ", ".join(f"{name} {rate:.0f} Gflop/s" for name, rate in rates.items())
    print(f"Kwant solves with {solver_name()}; matrix products: {limits}; one thread", flush=True)
    sizes, wanted = [int(length) for length in lengths.split(",")], tables.split(",")
    if "states" in wanted:
        states_table(sizes, rounds)
    if "window" in wanted:
        window_table(max(sizes), rounds, [float(rtol) for rtol in rtols.split(",")])
    if "growth" in wanted:
        growth_table([length for length in (12, 16, 20, 24, 32) if length <= 2 * max(sizes)])
    if "errors" in wanted:
        errors_table(50)
    if "quadrature" in wanted:
        quadrature_table(10)
    if "largest" in wanted:
        largest_table(2 * max(sizes), 25.0)
    if "margins" in wanted:
        margins_table(bars)


if __name__ == "__main__":
    sys.exit(main())
