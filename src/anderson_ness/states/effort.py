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
# Half-width times number of levels below which compressed fields take double precision.
_WIDE_ENOUGH = 0.02
# Height of the nodes above the axis in single precision, at least, in units of the hopping; and its bounds, in
# half-widths.
_LEAST_HEIGHT = 0.004
_LOW, _HIGH = 0.1, 0.4
_LOW_DOUBLE = 0.03
# More nodes than these have to be low, which asks for double precision.
_MOST_HIGH_NODES = 3
# Levels in and around a window that are worth knowing, and the distance up to which poles are sought, in half-widths:
# at these localizations at least that, and at most.
_KNOWN_LEVELS = 60
_LEAST_RADIUS = (0.6, 0.8, 1.4, 1.8), (4.8, 4.2, 4.0, 3.8)
_MOST_RADIUS = 20.0
# With as many energies second rounds cost more than poles.
_MANY_NODES, _FURTHER = 4, 1.1
# Factor by which that distance grows, if it is not wide already, where the error is not larger than this multiple of
# the tolerance.
_WIDENING = 1.5
_WIDE, _WIDENED_AT_MOST = 6.0, 2.5


@dataclass(frozen=True)
class Effort:
    """How much work a window model takes; see `resonances.WindowModel` and `compression.CompressedModel`."""

    n_nodes: int = 3
    left_out: float = 1e-6
    left_out_density: float = 1e-6
    probes: int = 32
    rank: int = 40
    tail: float = 0.0
    channel_share: float = 1.0
    node_share: float = 0.2
    least_error: float = 0.0
    end_tail: float = 1e-4
    block: int = 32
    steps: int = 6
    radius: float = 4.0
    widened: bool = False
    pole_tolerance: float = 1e-4
    broadest: float = np.inf
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


def compressed_effort(
    bar: AndersonBar, edges: list[float], rtol: float, uniform: bool = False, split: bool = False
) -> Effort:
    """Effort for a `CompressedModel` that reaches the tolerance at once for most bars.

    Parameters
    ----------
    bar, edges, rtol
        The bar, the ends of the window's panels, and the tolerance.
    uniform
        Whether the window is filled uniformly from end to end, and no part of it alone: this takes fewer nodes.
    split
        Whether there are panels or cuts: what a basis leaves out then overlaps with the others' fields.
    """
    levels, digits = expected_levels(bar, edges[1] - edges[0]), -np.log10(rtol)
    localizing = localization(bar)
    diffusive = localizing < 0.9
    half_width = (edges[1] - edges[0]) / 2
    # Single precision displaces levels, which shows in the weight of a narrow window of few.
    single = rtol >= _SINGLE_PRECISION and half_width * max(1.0, levels) > _WIDE_ENOUGH
    block = 16 if single else 32
    n_nodes = max(int(np.ceil(digits - 1e-9)) - 1, 2 if uniform else 3)
    # Of a window with hardly a level, the levels around it are all there is.
    least = float(np.interp(localizing, *_LEAST_RADIUS)) * (_FURTHER if n_nodes >= _MANY_NODES else 1.0)
    radius = float(np.clip(_KNOWN_LEVELS / levels, least, _MOST_RADIUS))
    known = levels * (1 + radius)
    # Broad poles overlap, and take longer to converge.
    vectors = (130 + 0.9 * known if diffusive else 100 + 0.8 * known) + 7 * max(digits - 3, 0)
    share, share_of_density = (0.004, 5e-4) if rtol < _SINGLE_PRECISION else (0.03 if diffusive else 0.04, 2e-3)
    return Effort(
        n_nodes=n_nodes,
        left_out=rtol * (0.1 * rtol if split else share),
        left_out_density=share_of_density * rtol,
        probes=56 if diffusive else 24 if localizing < 1.6 else 16,
        # The poles of diffusive bars are many and alike, so that those that are known tell of the others.
        node_share=0.02 if diffusive else 0.2,
        # However little changes: what makes an error need not show in what is left out for comparison.
        least_error=0.15 * rtol,
        block=block,
        steps=int(np.ceil(vectors / block)),
        radius=radius,
        pole_tolerance=0.1 * rtol,
        # For a few digits broad poles need not be exact.
        broadest=1.0 if single else np.inf,
        # Nodes close above the window see little of what is unknown outside; in single precision rounding shows there.
        elevation=float(np.clip(_LEAST_HEIGHT / half_width, _LOW, _HIGH)) if single else _LOW_DOUBLE,
        dtype=np.complex64 if single else np.complex128,
        field_dtype=np.complex64 if single else np.complex128,
    )


def more_compressed_effort(effort: Effort, errors: dict[str, float], rtol: float) -> Effort:
    """More for a `CompressedModel` of what the largest errors ask for."""
    if errors["interpolation"] > rtol / 3:
        # To know more poles is cheaper than another energy, but helps no more than this.
        slight = errors["interpolation"] < _WIDENED_AT_MOST * rtol
        widen = slight and effort.radius < _WIDE and not effort.widened
        growth = _WIDENING if widen else 1.2
        more = int(np.ceil(effort.steps * growth))
        effort = replace(effort, radius=growth * effort.radius, steps=more, widened=widen or effort.widened)
        if not widen:
            effort = replace(effort, n_nodes=effort.n_nodes + 1)
        if effort.n_nodes > _MOST_HIGH_NODES:
            effort = replace(effort, dtype=np.complex128, field_dtype=np.complex128, elevation=_LOW_DOUBLE)
    if errors["channels"] > rtol / 3:
        less = 0.3 * rtol / errors["channels"]
        effort = replace(effort, left_out=less * effort.left_out, left_out_density=less * effort.left_out_density)
    if errors["poles"] > rtol / 3:
        effort = replace(effort, steps=effort.steps + 4, pole_tolerance=0.1 * effort.pole_tolerance)
    if errors["poles"] > 10 * rtol or errors["rounding"] > rtol / 3:
        effort = replace(effort, dtype=np.complex128, field_dtype=np.complex128, elevation=_LOW_DOUBLE)
    return effort


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
