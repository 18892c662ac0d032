"""Print the timings of benchmarks/README.md: everything in one run, on one thread, medians of several rounds.

``python -m benchmarks [--rounds N] [--lengths 8,12,16,20]``
"""

import os

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import statistics
import sys
import time
from collections.abc import Callable

import click
import numpy as np

from anderson_ness import AndersonBar, scattering_states, window_coherence
from anderson_ness._kwant import scattering_states as kwant_states
from anderson_ness._kwant import solver_name

DISORDERS = (10.0, 16.5, 21.0, 33.0)


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


def window_table(length: int, rounds: int) -> None:
    """A whole window at X = 24 over one energy in Kwant."""
    bias = 24 * 16.5 / length**3
    print(f"\nwindow_coherence at L0 = {length}, X = 24, over ONE energy in Kwant, seconds")
    print(f"{'W':>6} {'rtol':>7} {'ours':>8} {'Kwant':>8} {'ratio':>7} {'estimate':>9}  converged")
    for disorder in DISORDERS:
        bar = AndersonBar.random(length, disorder, seed=1)
        for rtol in (1e-3, 1e-6):
            results = []

            def ours(bar=bar, rtol=rtol, results=results) -> None:
                results.append(window_coherence(bar, bias, rtol=rtol))

            mine, theirs, ratio = paired_times(ours, kwant_energy(bar), rounds)
            last = results[-1]
            row = f"{disorder:>6} {rtol:>7.0e} {mine:>8.2f} {theirs:>8.2f} {ratio:>7.2f}"
            print(f"{row} {last.relative_error:>9.1e}  {last.converged}", flush=True)


def growth_table(lengths: list[int]) -> None:
    """How the time of a window grows with the bar."""
    print("\nwindow_coherence at W = 21, X = 24, rtol = 1e-3, seconds")
    times = []
    for length in lengths:
        bar, bias = AndersonBar.random(length, 21.0, seed=1), 24 * 16.5 / length**3
        times.append(median_time(lambda bar=bar, bias=bias: window_coherence(bar, bias, rtol=1e-3), 3))
        print(f"  L0 = {length:>2}: {times[-1]:.3f}", flush=True)
    exponent = np.polyfit(np.log(lengths), np.log(times), 1)[0]
    print(f"  grows as L0^{exponent:.2f}")


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Rounds counted of each pair.")
@click.option("--lengths", default="8,12,16,20", show_default=True, help="Sizes of the table of states.")
def main(rounds: int, lengths: str) -> None:
    """Time the package against Kwant on this machine."""
    rates = product_rates()
    limits = ", ".join(f"{name} {rate:.0f} Gflop/s" for name, rate in rates.items())
    print(f"Kwant solves with {solver_name()}; matrix products: {limits}; one thread", flush=True)
    sizes = [int(length) for length in lengths.split(",")]
    states_table(sizes, rounds)
    window_table(max(sizes), rounds)
    growth_table([length for length in (8, 12, 16, 20, 24) if length <= max(sizes) + 4])


if __name__ == "__main__":
    sys.exit(main())
