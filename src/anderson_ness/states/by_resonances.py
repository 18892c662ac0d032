"""Window integrals through every resonance: panels, effort and error estimate around `WindowModel`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from typing import cast

import numpy as np
from numpy.typing import NDArray

from anderson_ness import _check
from anderson_ness.model import AndersonBar
from anderson_ness.states import scattering
from anderson_ness.states.compression import CompressedModel
from anderson_ness.states.drive import Drive
from anderson_ness.states.effort import (
    NARROWEST_SINGLE,
    Effort,
    compressed_effort,
    expected_levels,
    localization,
    more_compressed_effort,
    more_sampled_effort,
    sampled_effort,
)
from anderson_ness.states.elimination import OpenBar, SliceFactor, sandwiched
from anderson_ness.states.poles import Poles, Window, find_poles
from anderson_ness.states.rational import Measure
from anderson_ness.states.resonances import LEADS, Changes, Coarse, WindowModel, ratio
from anderson_ness.states.result import WindowCoherence
from anderson_ness.states.segments import segment_coherence, segments, slice_coherence

# A panel with more levels than this is split: the cost of its poles grows faster than their number.
_LEVELS_A_PANEL = 60
# Half-width of a panel over its distance to the nearest threshold of a channel, at most.
_PANEL_CLEARANCE = 0.35
_MOST_PANELS = 200
_MAX_ROUNDS = 5
# Matrices between the halves are cheaper as plain ones if the fields are more than this share of a half's sites.
_PLAIN_SHARE = 0.8
_ROUNDING = 256 * np.finfo(float).eps
# Fields are compressed where that pays: not if the bar is small already (sites of a slice, the more the weaker the
# disorder), nor to very many digits.
_SMALLEST_COMPRESSED_SLICE = 118
_MOST_LOCALIZING = 1.8
_SHORTEST_COMPRESSED = 4
# In a nearly clean bar the profile is the small difference of large densities; high walls need every digit.
_COMPRESSED_DISORDER = (0.4, 6.0)
_FINEST_COMPRESSED = 1e-9
_COMPRESSED_ROUNDS = 4
# Thermal windows are integrated up to where occupations have fallen to rounding, in pieces on which the Fermi
# functions are smooth, with this many nodes.
_THERMAL_STEPS = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0)
_THERMAL_NODES = 24


_Model = Callable[[OpenBar, float, float, Effort], WindowModel | CompressedModel]


class ChannelThresholdError(ValueError):
    """A channel of the leads opens or closes inside the window, where the Green function has a branch point."""


@dataclass(frozen=True)
class _Panel:
    """A piece of the window with its model."""

    model: WindowModel | CompressedModel
    start: float
    stop: float

    def scaled(self, energy: float) -> float:
        return (energy - self.model.centre) / self.model.half_width

    def holds(self, energy: float) -> bool:
        return self.start <= energy <= self.stop

    def filled(self, drive: Drive) -> tuple[Measure, ...]:
        """2 n^d of the drive, as measures on this panel to be added up."""
        if drive.temperature == 0:
            start, stop = max(self.start, -abs(drive.bias) / 2), min(self.stop, abs(drive.bias) / 2)
            if start >= stop:
                return ()
            return (Measure.interval(self.scaled(start), self.scaled(stop), self.model.n_quadrature),)
        return self._thermal(drive, lambda energy: 2 * abs(drive.difference(energy)))

    def filled_slope(self, drive: Drive) -> tuple[Measure, ...]:
        """Its derivative with respect to |bias|."""
        if drive.temperature == 0:
            edges = (side * abs(drive.bias) / 2 for side in (-1, 1))
            return tuple(Measure.point(self.scaled(edge), 0.5) for edge in edges if self._owns(edge))
        return self._thermal(drive, lambda energy: 2 * drive.difference_slope(energy))

    def _owns(self, energy: float) -> bool:
        """Whether an edge of the window belongs to this panel; a panel owns the end that is closer to E = 0."""
        return self.start <= energy <= self.stop and energy != (self.start if energy > 0 else self.stop)

    def _thermal(self, drive: Drive, weight: Callable[[float], float]) -> tuple[Measure, ...]:
        steps = {sign * step * drive.temperature for step in _THERMAL_STEPS for sign in (-1, 1)}
        kinks = {side * abs(drive.bias) / 2 + step for step in steps for side in (-1, 1)}
        model = self.model
        # Kinks may meet up to rounding; pieces without length hold nothing.
        apart = 1e-9 * model.half_width
        ends = [self.start]
        for kink in sorted(kinks):
            if ends[-1] + apart < kink < self.stop - apart:
                ends.append(kink)
        ends.append(self.stop)

        def filling(x: float) -> float:
            return weight(model.centre + model.half_width * x)

        return tuple(
            Measure.interval(self.scaled(a), self.scaled(b), _THERMAL_NODES, filling) for a, b in pairwise(ends)
        )


def coherence(
    bar: AndersonBar, drives: Sequence[Drive], rtol: float, cuts: tuple[int, ...] = ()
) -> list[WindowCoherence]:
    """Everything of a `WindowCoherence` for each drive, from the same poles and samples.

    Coherence between the segments of a bar whose fields are not compressed comes from the whole of G^d instead.

    Raises
    ------
    ChannelThresholdError
        If a channel opens or closes inside the widest window.
    """
    widest = max(drives, key=lambda drive: (drive.temperature, abs(drive.bias)))
    edges = _panel_edges(bar, widest)
    open_bar = OpenBar(bar)
    readings: list[_Reading] = []
    compressed = _compressed_plan(bar, edges, drives, rtol, cuts)
    if compressed is not None:
        window, readings = _converged(open_bar, edges, drives, rtol, compressed, cuts)
    # An error that is no number has not converged either.
    if not (readings and sum(_worst(readings).values()) <= rtol):
        sampled = _sampled_plan(bar, edges, rtol, min((reading.coherence for reading in readings), default=0.0))
        window, readings = _converged(open_bar, edges, drives, rtol, sampled, cuts)
    transmission = window.transmission()
    results = [reading.result(transmission, rtol) for reading in readings]
    if cuts and readings[0].between is None:
        return [_with_segments(bar, drive, result, cuts, rtol) for drive, result in zip(drives, results, strict=True)]
    return results


def _with_segments(
    bar: AndersonBar, drive: Drive, result: WindowCoherence, cuts: tuple[int, ...], rtol: float
) -> WindowCoherence:
    between, reached = segment_coherence(bar, partial(correlations, bar, drive), cuts, rtol)
    return replace(result, segment_coherence=between, converged=result.converged and reached)


@dataclass(frozen=True)
class _Plan:
    """A model of the window, the first effort for it, how to raise that, and how often."""

    model: _Model
    effort: Effort
    raised: Callable[[Effort, dict[str, float], float], Effort]
    rounds: int


def _compressed_plan(
    bar: AndersonBar, edges: list[float], drives: Sequence[Drive], rtol: float, cuts: tuple[int, ...]
) -> _Plan | None:
    """Compressed fields, where it pays to begin with them."""
    localizing = localization(bar)
    large = (
        bar.n_slice * min(localizing, _MOST_LOCALIZING) >= _SMALLEST_COMPRESSED_SLICE
        and bar.shape[0] >= _SHORTEST_COMPRESSED
    )
    low, high = _COMPRESSED_DISORDER
    able = low < localizing < high and edges[-1] - edges[0] > NARROWEST_SINGLE
    if not (large and able and rtol >= _FINEST_COMPRESSED):
        return None
    uniform = len({abs(drive.bias) for drive in drives}) == 1 and all(drive.temperature == 0 for drive in drives)
    effort = compressed_effort(bar, edges, rtol, uniform, split=bool(cuts) or len(edges) > 2)
    return _Plan(partial(CompressedModel, cuts=cuts), effort, more_compressed_effort, _COMPRESSED_ROUNDS)


def _sampled_plan(bar: AndersonBar, edges: list[float], rtol: float, coherence: float = 0.0) -> _Plan:
    """The sampled remainder, which has no limits."""
    return _Plan(WindowModel, sampled_effort(bar, edges, rtol, coherence), more_sampled_effort, _MAX_ROUNDS)


def _converged(
    open_bar: OpenBar, edges: list[float], drives: Sequence[Drive], rtol: float, plan: _Plan, cuts: tuple[int, ...]
) -> tuple[_Window, list[_Reading]]:
    """The window and its readings after as many rounds as the plan allows, or fewer if they converge."""
    effort = plan.effort
    window: _Window | None = None
    for last in (False,) * (plan.rounds - 1) + (True,):
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                window = window.raised(effort) if window else _Window.opened(open_bar, edges, effort, plan.model)
        except np.linalg.LinAlgError:
            if effort.dtype is np.complex128:
                raise
            # In a narrow window of a large bar, blocks of the elimination may be singular to single precision.
            effort = replace(effort, dtype=np.complex128, field_dtype=np.complex128)
            window = _Window.opened(open_bar, edges, effort, plan.model)
        readings = [window.read(drive, cuts) for drive in drives]
        worst = _worst(readings)
        if last or sum(worst.values()) <= rtol:
            return window, readings
        effort = plan.raised(effort, worst, rtol)
    raise AssertionError("a plan has at least one round")


def _worst(readings: list[_Reading]) -> dict[str, float]:
    return {name: max(reading.errors[name] for reading in readings) for name in readings[0].errors}


def correlations(bar: AndersonBar, drive: Drive, rtol: float) -> tuple[NDArray[np.complex128], bool]:
    """G^d to ``rtol`` in the Frobenius norm, and whether that was reached.

    Raises
    ------
    ChannelThresholdError
        If a channel opens or closes inside the window.
    """
    edges, open_bar = _panel_edges(bar, drive), OpenBar(bar)
    effort = replace(sampled_effort(bar, edges, rtol), dtype=np.complex128, field_dtype=np.complex128)
    for _ in range(_MAX_ROUNDS):
        panels = [
            _Panel(WindowModel(open_bar, (a + b) / 2, (b - a) / 2, effort, whole=True), a, b)
            for a, b in pairwise(edges)
        ]
        (fine, size), (coarse, _) = (_full_matrix(panels, drive, coarse) for coarse in (Coarse.NOT, Coarse.NODES))
        change = float(np.linalg.norm(fine - coarse))
        errors = {
            "interpolation": 0.25 * _ratio(change, float(np.linalg.norm(fine)), size),
            "poles": max(panel.model.pole_error() for panel in panels),
            "channels": 0.0,
            "rounding": 0.0,
        }
        if sum(errors.values()) <= rtol:
            return fine, True
        effort = more_sampled_effort(effort, errors, rtol)
    return fine, False


def window_poles(bar: AndersonBar, bias: float, rtol: float = 1e-6) -> Poles:
    """Resonances of the open bar whose real part lies in the bias window, by increasing real part.

    Parameters
    ----------
    bar
        The bar.
    bias
        Width of the window around E = 0, in units of the hopping; any sign.
    rtol
        Tolerance of the vectors; poles found less accurately are left out. Those are broad ones, deeper below the real
        axis than half the window.

    Returns
    -------
    Poles
        Positions, widths, vectors and couplings to the leads.

    Raises
    ------
    ValueError
        If an argument is out of range, or a channel of the leads opens or closes inside the window.

    Examples
    --------
    >>> from anderson_ness import AndersonBar, window_poles
    >>> bar = AndersonBar.random(length=6, disorder=21.0, seed=3)
    >>> poles = window_poles(bar, bias=1.0)
    >>> bool((abs(poles.positions.real) <= 0.5).all() and (poles.widths > 0).all())
    True
    >>> left, right = poles.partial_widths(bar)
    >>> bool(abs(left + right - poles.widths).max() < 1e-12)
    True
    """
    rtol = _check.tolerance("rtol", rtol)
    edges, open_bar = _panel_edges(bar, Drive(bias)), OpenBar(bar)
    effort = replace(sampled_effort(bar, edges, rtol), dtype=np.complex128)
    parts = []
    for a, b in pairwise(edges):
        factor = SliceFactor(open_bar, complex((a + b) / 2, effort.elevation * (b - a) / 2))
        poles = find_poles(
            open_bar, factor, Window((a + b) / 2, (b - a) / 2), effort.radius, effort.block, effort.steps, rtol / 10
        )
        position = poles.positions.real
        parts.append(poles.select((position >= a) & (position < b) & (poles.errors < rtol)))
    merged = Poles(
        **{name: np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in vars(parts[0])}
    )
    return merged.select(np.argsort(merged.positions.real))


def _full_matrix(panels: list[_Panel], drive: Drive, coarse: Coarse) -> tuple[NDArray[np.complex128], float]:
    """G^d, and the size of the two leads' parts of which it is the difference."""
    pieces = [(cast(WindowModel, panel.model), panel.filled(drive)) for panel in panels]
    left, right = (
        0.5 * np.asarray(sum(model.density_matrix(lead, measures, coarse) for model, measures in pieces if measures))
        for lead in LEADS
    )
    return np.sign(drive.bias) * (left - right), float(np.linalg.norm(left) + np.linalg.norm(right))


def _panel_edges(bar: AndersonBar, drive: Drive) -> list[float]:
    """Ends of the panels that cover the drive's window."""
    breakpoints = drive.breakpoints(bar)
    start, stop = float(breakpoints[0]), float(breakpoints[-1])
    thresholds = bar.leads.band_edges(*bar.shape[1:])
    inside = thresholds[(thresholds > start - 1e-12) & (thresholds < stop + 1e-12)]
    if inside.size:
        raise ChannelThresholdError(
            f"bias opens a window in which a channel of the leads opens or closes, at E = {inside[0]:.6g}:"
            ' use method="quadrature", or leads or a bias that avoid it'
        )
    # The circle around a panel in which poles are taken out has to keep clear of the self-energies' branch points.
    clearance = np.min(np.abs(np.subtract.outer(thresholds, [start, stop])))
    by_levels = expected_levels(bar, stop - start) / _LEVELS_A_PANEL
    by_width = (stop - start) / (2 * _PANEL_CLEARANCE * clearance)
    n_panels = max(1, int(np.ceil(max(by_levels, by_width))))
    if n_panels > _MOST_PANELS:
        raise ChannelThresholdError(
            f"bias opens a window that ends within {clearance:.2g} of a channel's threshold:"
            ' use method="quadrature", or leads or a bias that keep further off'
        )
    return np.linspace(start, stop, n_panels + 1).tolist()


@dataclass(frozen=True)
class _Reading:
    """What one drive's window holds, and the parts of its error."""

    drive: Drive
    coherence: float
    slope: float
    coherence_profile: NDArray[np.float64] | None
    between: NDArray[np.float64] | None
    density_profile: NDArray[np.float64]
    spectral_weight: NDArray[np.float64]
    errors: dict[str, float]
    n_energies: int
    widths: NDArray[np.float64]

    def result(self, transmission: float, rtol: float) -> WindowCoherence:
        sign = np.sign(self.drive.bias)
        error = float(sum(self.errors.values()))
        return WindowCoherence(
            bias=self.drive.bias,
            temperature=self.drive.temperature,
            coherence=self.coherence,
            coherence_slope=float(sign * self.slope),
            density_profile=sign * self.density_profile,
            spectral_weight=self.spectral_weight,
            transmission=transmission,
            relative_error=error,
            converged=bool(error <= rtol),
            n_energies=self.n_energies,
            levels=len(self.widths),
            narrowest_width=float(self.widths.min(initial=np.inf)) if len(self.widths) else float("nan"),
            coherence_profile=self.coherence_profile,
            segment_coherence=self.between,
        )


@dataclass(frozen=True)
class _Contents:
    """What a window holds, by one effort.

    Attributes
    ----------
    coherence, slope
        C_d and its derivative.
    matrices, slope_matrices
        G^d between the halves, as it is represented and dressed, and its derivative.
    parts, between
        Coherence profile, and coherence between segments, if there are cuts.
    profile, weight
        Density profile and spectral weight.
    """

    coherence: float
    slope: float
    matrices: tuple[list[NDArray], list[NDArray]]
    slope_matrices: tuple[list[NDArray], list[NDArray]]
    parts: NDArray[np.float64] | None
    between: NDArray[np.float64] | None
    profile: NDArray[np.float64]
    weight: NDArray[np.float64]

    @property
    def densities(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.profile, self.weight


class _Window:
    """The window's panels, and the overlaps of their fields."""

    def __init__(self, open_bar: OpenBar, panels: list[_Panel]) -> None:
        self.open_bar, self.panels = open_bar, panels
        n_columns = sum(panel.model.n_columns("L") for panel in self.panels)
        self._explicit = n_columns >= _PLAIN_SHARE * (open_bar.length // 2 * open_bar.n_slice)

    @classmethod
    def opened(cls, open_bar: OpenBar, edges: list[float], effort: Effort, model: _Model) -> _Window:
        """A window with a model in each panel."""
        models = (model(open_bar, (a + b) / 2, (b - a) / 2, effort) for a, b in pairwise(edges))
        return cls(open_bar, [_Panel(one, *ends) for one, ends in zip(models, pairwise(edges), strict=True)])

    def raised(self, effort: Effort) -> _Window:
        """The same window with more effort."""
        return _Window(self.open_bar, [replace(panel, model=panel.model.raised(effort)) for panel in self.panels])

    @cached_property
    def _fields(self) -> list[dict[str, NDArray]]:
        return [{half: panel.model.fields(half) for half in LEADS} for panel in self.panels]

    @cached_property
    def _overlaps(self) -> dict[str, list[list[NDArray]]]:
        return {half: self._overlap(half) for half in LEADS}

    def _overlap(self, half: str) -> list[list[NDArray]]:
        if len(self.panels) == 1 and self.panels[0].model.orthonormal:
            return [[np.eye(self.panels[0].model.n_columns(half))]]
        fields = [panel[half] for panel in self._fields]
        return [[a.conj().T @ b for b in fields] for a in fields]

    def _represent(self, measures: list[tuple[Measure, ...]], coarse: Coarse) -> list[NDArray]:
        """G's driven part between the halves, of each panel's measures: as one plain matrix where that is cheaper."""
        if not self._explicit:
            return self._between_fields(measures, coarse)
        pieces = zip(self.panels, measures, strict=True)
        return [0.5 * np.asarray(sum(panel.model.block(some, coarse) for panel, some in pieces if some), complex)]

    def _between_fields(self, measures: list[tuple[Measure, ...]], coarse: Coarse) -> list[NDArray]:
        """The same as a matrix between its fields for each panel."""
        models = (panel.model for panel in self.panels)
        return [0.5 * _driven(model, some, coarse) for model, some in zip(models, measures, strict=True)]

    def _dressed(self, matrices: list[NDArray]) -> list[NDArray]:
        """For a represented matrix G between the halves: the arrays X with <G_2, G> = sum conj(G_2) X."""
        if self._explicit:
            return matrices
        return _across_panels(self._overlaps["L"], matrices, self._overlaps["R"])

    def read(self, drive: Drive, cuts: tuple[int, ...] = ()) -> _Reading:
        """Coherence, slope, profiles and weight of a drive, with the parts of the error."""
        filled, edges = ([one(panel, drive) for panel in self.panels] for one in (_Panel.filled, _Panel.filled_slope))
        fine = self._contents(filled, edges, cuts, Coarse.NOT, None)
        model, width = self.panels[0].model, abs(drive.bias)
        slope_scale = max(abs(fine.slope), fine.coherence / width)
        changes, densities = {}, True
        for coarse in model.coarse_results:
            less = self._contents(filled, edges, cuts, coarse, None if densities else fine)
            changes[coarse], densities = self._changes(fine, less, slope_scale), False
        largest = _largest(fine.profile)
        left_out = max(
            panel.model.left_out_error(some, width, fine.coherence, largest)
            for panel, some in zip(self.panels, filled, strict=True)
        )
        errors = {
            "interpolation": float(model.error_of_changes(changes)),
            "channels": left_out if self.open_bar.length > 1 else 0.0,
            "poles": max(panel.model.pole_error() for panel in self.panels),
            "rounding": self._rounding(np.sqrt(fine.coherence / 2), largest, _largest(fine.weight)),
        }
        n_energies = sum(panel.model.effort.n_nodes for panel in self.panels)
        return _Reading(
            drive,
            fine.coherence,
            fine.slope,
            fine.parts,
            fine.between,
            fine.profile,
            fine.weight,
            errors,
            n_energies,
            self._widths(drive),
        )

    def _contents(
        self,
        filled: list[tuple[Measure, ...]],
        edges: list[tuple[Measure, ...]],
        cuts: tuple[int, ...],
        coarse: Coarse,
        densities_of: _Contents | None,
    ) -> _Contents:
        """What the models make of a window; its densities may be taken from elsewhere."""
        G, steep = self._represent(filled, coarse), self._represent(edges, coarse)
        dressed, steep_dressed = self._dressed(G), self._dressed(steep)
        compressed = all(isinstance(panel.model, CompressedModel) for panel in self.panels)
        profile, weight = self._densities(filled, coarse) if densities_of is None else densities_of.densities
        return _Contents(
            coherence=2 * _inner(G, dressed),
            slope=4 * _inner(steep, dressed),
            matrices=(G, dressed),
            slope_matrices=(steep, steep_dressed),
            parts=self._coherence_profile(G) if cuts else None,
            between=self._between(filled, coarse, cuts) if cuts and compressed else None,
            profile=profile,
            weight=weight,
        )

    def _changes(self, fine: _Contents, less: _Contents, slope_scale: float) -> Changes:
        """What fine contents change in those of less effort."""
        changed, slope_changed = (
            _norm(*(_minus(a, b) for a, b in zip(one, other, strict=True)))
            for one, other in ((fine.matrices, less.matrices), (fine.slope_matrices, less.slope_matrices))
        )
        norm, steepness = np.sqrt(fine.coherence / 2), _norm(*fine.slope_matrices)
        parts = max(
            (
                _ratio(_largest(one - other), _largest(one))
                for one, other in ((fine.parts, less.parts), (fine.between, less.between))
                if one is not None and other is not None
            ),
            default=0.0,
        )
        return Changes(
            matrix=_ratio(2 * changed, norm),
            coherence=_ratio(abs(less.coherence - fine.coherence), fine.coherence),
            parts=parts,
            slope_matrix=_ratio(4 * (norm * slope_changed + steepness * changed), slope_scale),
            slope=_ratio(abs(less.slope - fine.slope), slope_scale),
            profile=_ratio(_largest(fine.profile - less.profile), _largest(fine.profile), _largest(fine.weight)),
            weight=_ratio(_largest(fine.weight - less.weight), _largest(fine.weight)),
        )

    def _coherence_profile(self, G: list[NDArray]) -> NDArray[np.float64]:
        """C_d of every slice with the other half, from a represented G^d between the halves."""
        if self._explicit:
            return slice_coherence(self.open_bar.length, G[0])
        adjoint = [matrix.conj().T for matrix in G]
        sites = np.concatenate([self._row_norms("L", G, "R"), self._row_norms("R", adjoint, "L")])
        return 2 * sites.reshape(self.open_bar.length, -1).sum(axis=1)

    def _row_norms(self, half: str, G: list[NDArray], other: str) -> NDArray[np.float64]:
        """Squared norm of every site's row of G^d between a half and the other one."""
        norms, panels = np.zeros(len(self._fields[0][half])), range(len(self.panels))
        for i in panels:
            for j in panels:
                across = sandwiched(G[i], self._overlaps[other][i][j].astype(complex), G[j].conj().T)
                first, second = self._fields[i][half], self._fields[j][half]
                across = across if np.iscomplexobj(first) else across.real
                norms += np.einsum("sk,sk->s", first @ across.astype(first.dtype), second.conj()).real
        return norms

    def _between(self, filled: list[tuple[Measure, ...]], coarse: Coarse, cuts: tuple[int, ...]) -> NDArray[np.float64]:
        """C_d between segments, from G^d between all fields of compressed models."""
        models = [panel.model for panel in self.panels if isinstance(panel.model, CompressedModel)]
        driven = [0.5 * model.driven_everywhere(some, coarse) for model, some in zip(models, filled, strict=True)]
        parts = segments(self.open_bar.length, cuts)
        fields = [[model.fields_on(part) for model in models] for part in parts]
        overlaps = [[[a.conj().T @ b for b in some] for a in some] for some in fields]
        between = np.zeros((len(parts), len(parts)))
        for later, right in enumerate(overlaps):
            for earlier, left in enumerate(overlaps[:later]):
                inner = _inner(driven, _across_panels(left, driven, right))
                between[earlier, later] = between[later, earlier] = 2 * inner
        return between

    def _widths(self, drive: Drive) -> NDArray[np.float64]:
        """Widths of the resonances inside a drive's window, and narrower than it."""
        reach = abs(drive.bias) / 2
        widths = []
        for panel in self.panels:
            poles = panel.model.poles
            position = poles.positions.real
            # A panel owns the levels from its start on, so that none is counted twice.
            inside = (position >= panel.start) & (position < panel.stop) & (np.abs(position) <= reach)
            inside &= poles.widths < 2 * reach
            widths.append(poles.widths[inside])
        return np.concatenate(widths)

    def _rounding(self, norm: float, profile: float, weight: float) -> float:
        """Relative error from rounding, where left and right cancel in the coherence or in the profile."""
        effort = self.panels[0].model.effort
        unit = 16 * float(np.finfo(effort.field_dtype).eps) * weight
        mixing = max(panel.model.mixing() for panel in self.panels)
        parts = [_ratio(unit + mixing, norm)] if self.open_bar.length > 1 else []
        if effort.field_dtype == np.complex64:
            parts.append(_ratio(unit, profile))
        return max(parts, default=0.0)

    def _densities(self, measures: list[tuple[Measure, ...]], coarse: Coarse) -> tuple[NDArray, NDArray]:
        """Slice means of G^d_xx and of the spectral weight."""
        length, n_slice = self.open_bar.length, self.open_bar.n_slice
        half = length // 2
        total, far = np.zeros(length), np.zeros(length)
        for panel, some in zip(self.panels, measures, strict=True):
            if some:
                total += panel.model.spectral_density(some, coarse)
                far[:half] += panel.model.far_density("R", some, coarse)
                far[half:] += panel.model.far_density("L", some, coarse)
        # In the half near a lead its own states are all the others: the spectral density less the far lead's.
        towards = np.where(np.arange(length) < half, 1.0, -1.0)
        return towards * (total - 2 * far) / (2 * n_slice), total / (2 * n_slice)

    def transmission(self) -> float:
        """Tr t t^dag at E = 0."""
        if self.open_bar.length == 1:
            return scattering.transmission(self.open_bar.bar)
        model = next(panel.model for panel in self.panels if panel.holds(0.0))
        try:
            through = model.transmission(0.0)
        except np.linalg.LinAlgError:
            through = 0.0
        # So little is rounding of the fields from which it is the rest; the sweep has it to full relative precision.
        faint = 1e3 * float(np.finfo(model.effort.field_dtype).eps) ** 2
        return scattering.transmission(self.open_bar.bar) if through < faint else through


def _across_panels(left: list[list[NDArray]], matrices: list[NDArray], right: list[list[NDArray]]) -> list[NDArray]:
    """For each panel the sum over all of them of overlap, matrix and overlap."""
    panels = range(len(matrices))
    return [np.asarray(sum(sandwiched(left[i][j], matrices[j], right[j][i]) for j in panels)) for i in panels]


def _inner(first: list[NDArray], dressed: list[NDArray]) -> float:
    return float(sum(np.vdot(a, b).real for a, b in zip(first, dressed, strict=True)))


def _norm(matrices: list[NDArray], dressed: list[NDArray]) -> float:
    return float(np.sqrt(max(_inner(matrices, dressed), 0.0)))


def _minus(first: list[NDArray], second: list[NDArray]) -> list[NDArray]:
    return [a - b for a, b in zip(first, second, strict=True)]


def _ratio(error: float, size: float, parts: float = 0.0) -> float:
    """error / size; 0 where the error is but rounding of the parts of which the quantity is the difference."""
    if error <= _ROUNDING * parts:
        return 0.0
    return ratio(error, size)


def _largest(values: NDArray) -> float:
    return float(np.abs(values).max())


def _driven(model: WindowModel | CompressedModel, measures: tuple[Measure, ...], coarse: Coarse) -> NDArray:
    if not measures:
        return np.zeros((model.n_columns("L"), model.n_columns("R")), dtype=complex)
    return model.driven(measures, coarse)
