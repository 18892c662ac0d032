"""How much work the models of a window take: first choices that serve most bars, and how they are raised."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from anderson_ness.model import AndersonBar

# Standard deviation of the potential at W = 16.5.
_LOCALIZING_SPREAD = 16.4 / np.sqrt(12)
# A coherence that is smaller than most, for which the first choice of channels is made.
_SMALL_COHERENCE = 0.05
# Windows of fewer levels are less coherent: of so many at W = 16.5, and fewer the more localized the bar.
_MANY_LEVELS = 30
# Above this tolerance single precision serves, unless the bar is diffusive: rounding is amplified by the number of
# overlapping poles, and reaches 1e-2 at W = 10, L0 = 20.
_SINGLE_PRECISION = 3e-4
# Single precision has no room for the fields of a narrower window.
NARROWEST_SINGLE = 1e-8
_SMALL_SLICE = 16
_LARGE_SLICE = 196
# Half-width times number of levels below which the reduction takes double precision.
_WIDE_ENOUGH = 0.02
# Height of the nodes above the axis in single precision, at least, in units of the hopping; and its bounds, in
# half-widths.
_LEAST_HEIGHT = 0.004
_LOW, _HIGH = 0.1, 0.4
# Number of slices below which a bar is short.
_SHORT = 10
# Tolerance below which a reduction takes the fields of one more energy.
_FINE_REDUCED = 5e-4
# Levels around a narrow window that are worth knowing.
_KNOWN_LEVELS = 20


@dataclass(frozen=True)
class Effort:
    """How much work a window model takes; see `resonances.WindowModel` and `reduction.ReducedModel`."""

    n_nodes: int = 3
    field_nodes: int = 2
    rank: int = 40
    tail: float = 0.0
    direction_tail: float = 0.0
    channel_share: float = 1.0
    change_share: float = 0.5
    least_error: float = 0.0
    end_tail: float = 1e-4
    block: int = 32
    steps: int = 6
    radius: float = 4.0
    pole_tolerance: float = 1e-4
    purged_width: float = 0.3
    elevation: float = 0.05
    dtype: type = np.complex128
    field_dtype: type = np.complex128


def expected_levels(bar: AndersonBar, width: float) -> float:
    """Number of levels in a window around E = 0, from the second moment of the density of states."""
    variance = 2 * sum(length > 1 for length in bar.shape) + float(np.mean(bar.onsite**2))
    return bar.n_sites * width / np.sqrt(2 * np.pi * max(variance, 0.1))


def localization(bar: AndersonBar) -> float:
    """Spread of the potential in units of that at W = 16.5."""
    return float(np.std(bar.onsite) / _LOCALIZING_SPREAD)


def _scarcity(levels: float, localizing: float) -> float:
    """How few levels a window has: 1 if they are many, and less in proportion to their number."""
    return float(min(1.0, levels * max(1.0, localizing) / _MANY_LEVELS))


def sampled_effort(bar: AndersonBar, edges: list[float], rtol: float, coherence: float = 0.0) -> Effort:
    """Effort for a `WindowModel` that reaches the tolerance at once for most bars.

    ``coherence`` is about what will be found; without a positive number it is taken to be small.
    """
    digits = -np.log10(rtol)
    levels = expected_levels(bar, edges[1] - edges[0])
    # Where poles are broad and overlap, more of them stay behind in the remainder, which then varies faster.
    localizing = localization(bar)
    diffusive = localizing < 1
    loose = rtol >= _SINGLE_PRECISION and edges[-1] - edges[0] > NARROWEST_SINGLE
    single = loose and not diffusive
    nodes = max(3, int(np.ceil(1.25 * digits - 0.75)))
    nodes += int(loose or localizing < 1.1)
    # Small bars have few poles to take out, and nodes cost them nothing.
    nodes += 2 * int(bar.n_slice <= _SMALL_SLICE) - int(not loose and bar.n_slice >= _LARGE_SLICE)
    # Another round costs more than the channels of bars that are less coherent than most: these are localized, or have
    # few levels in the window. Fine tolerances ask for all channels that may count.
    known, share, rank = coherence > 0, 0.04, bar.n_slice
    if loose:
        share, scarce = 0.4, _scarcity(levels, localizing)
        if not known:
            share *= max(1.0, localizing) ** -2 * scarce**1.5
            rank = int(scarce * (40 + 20 * digits) + (1 - scarce) * bar.n_slice)
        # Without poles in the window, coherence is mostly that of the remainder.
        nodes += int(scarce < 0.5) + int(scarce < 0.1)
    block = 32
    return Effort(
        n_nodes=nodes,
        rank=rank,
        tail=float(share * rtol * np.sqrt((coherence if known else 6 * _SMALL_COHERENCE) / (edges[-1] - edges[0]))),
        end_tail=0.1 * rtol,
        block=block,
        steps=int(np.ceil((140 + 4.5 * levels + 20 * max(digits - 3, 0)) / block)),
        pole_tolerance=0.1 * rtol,
        elevation=0.15 if single else 0.05,
        dtype=np.complex64 if single else np.complex128,
        field_dtype=np.complex64 if loose else np.complex128,
    )


def reduced_effort(
    bar: AndersonBar, edges: list[float], rtol: float, cuts: tuple[int, ...] = (), uniform: bool = False
) -> Effort:
    """Effort for a `ReducedModel` that reaches the tolerance at once for most bars.

    A window that is filled uniformly from end to end, and no part of it alone, takes fewer nodes.
    """
    levels = expected_levels(bar, edges[1] - edges[0])
    localizing = localization(bar)
    diffusive = localizing < 0.9
    # Errors are of second order in what is left out; the coherence of a localized bar, or of few levels, is small.
    scarce = _scarcity(levels, localizing)
    left_out = 0.04 * np.sqrt(rtol / 1e-3) * min(0.8, localizing**-2.5) * scarce**1.5
    n_channels = 40 + (0.3 if diffusive else 0.1) * bar.n_slice
    fine = rtol < _FINE_REDUCED
    tail = float((0.2 if fine else 0.4) * left_out * np.sqrt(6 * _SMALL_COHERENCE / (edges[-1] - edges[0])))
    # Single precision displaces levels, which shows in the weight of a narrow window of few.
    half_width = (edges[1] - edges[0]) / 2
    single = half_width * max(1.0, levels) > _WIDE_ENOUGH
    # Nodes close above the window see little of what is unknown outside; in single precision rounding shows there.
    elevation = float(np.clip(_LEAST_HEIGHT / half_width, _LOW, _HIGH)) if single else _LOW
    few = 2 if uniform and elevation <= 2 * _LOW else 3
    return Effort(
        n_nodes=few + int(scarce < 0.5) + int(np.ceil(max(-np.log10(rtol) - 3, 0))),
        # Of the channels that reach a cut next to a lead none may be left out.
        rank=bar.n_slice if cuts else int(scarce * n_channels + (1 - scarce) * bar.n_slice),
        # Left out channels count in full when localized; a diffusive bar's are orthogonal to those that are kept.
        channel_share=0.003 if diffusive else 0.006 * max(1.0, float(localizing)) ** 2,
        # Without levels in the window, what is left out is not orthogonal to what makes the coherence.
        change_share=0.05 if scarce >= 0.5 else 0.5,
        # However little changes, what leaves the span of the fields overlaps in each half with what stays in it.
        least_error=4e-5 + (0.15 if scarce >= 0.5 else 0.3) * rtol,
        field_nodes=2 + int(scarce < 0.5 or fine),
        tail=(5.0 if diffusive else 3 * max(1.0, localizing) ** -2) * tail,
        # In a short bar every slice is next to a lead, where directions that are left out show in the profile.
        direction_tail=(2 if diffusive else 3) * min(1.0, bar.shape[0] / _SHORT) * tail,
        end_tail=0.1 * rtol,
        block=16,
        steps=int(np.ceil((90 + 4.1 * levels) / 16)),
        # Of a window with hardly a level, the levels around it are all there is; Arnoldi's iteration finds as many.
        radius=float(max(3.5, _KNOWN_LEVELS / levels)),
        pole_tolerance=0.1 * rtol,
        # Where poles are broad and overlap, one more of them is no resonance.
        purged_width=0.3 if diffusive else 1.0,
        elevation=elevation,
        dtype=np.complex64 if single else np.complex128,
        field_dtype=np.complex64,
    )


def more_reduced_effort(effort: Effort, errors: dict[str, float], rtol: float) -> Effort:
    """More of everything for a `ReducedModel`: fields of more channels and energies, one more node for the traces."""
    less = rtol / (3 * max(rtol, errors["channels"]))
    return replace(
        effort,
        n_nodes=effort.n_nodes + 1,
        field_nodes=effort.field_nodes + 1,
        tail=less * effort.tail,
        direction_tail=0.5 * effort.direction_tail,
        rank=2 * effort.rank,
        steps=effort.steps + 4,
    )


def more_sampled_effort(effort: Effort, errors: dict[str, float], rtol: float) -> Effort:
    """More for a `WindowModel` of what the largest errors ask for."""
    if errors["interpolation"] > rtol / 3:
        effort = replace(effort, n_nodes=effort.n_nodes + 2)
    if errors["channels"] > rtol / 3:
        effort = replace(effort, rank=int(1.5 * effort.rank), tail=effort.tail * rtol / (3 * errors["channels"]))
    if errors["poles"] > rtol / 3:
        effort = replace(effort, steps=effort.steps + 3, pole_tolerance=0.1 * effort.pole_tolerance)
    if errors["poles"] > 10 * rtol or errors["rounding"] > rtol / 3:
        effort = replace(effort, dtype=np.complex128, field_dtype=np.complex128, elevation=0.05)
    return effort
