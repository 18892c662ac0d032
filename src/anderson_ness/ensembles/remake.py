"""A row computed again, from what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anderson_ness.ensembles.information import MEASURED, InformationRow
from anderson_ness.ensembles.quantities import AnyRow, compute_sample, quantity_of
from anderson_ness.ensembles.samples import Row, Task


@dataclass(frozen=True)
class Comparison:
    """One quantity of a row: as stored and as computed now.

    ``difference`` is relative to the quantity's own scale: |C| for the coherence, max(|slope|, C/bias) for the
    slope, the largest entry for profiles, the number itself otherwise. ``allowed`` is what both tolerances, or
    estimated errors where they were not reached, add up to.
    """

    quantity: str
    stored: float | list[float]
    now: float | list[float]
    difference: float
    allowed: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is allowed; nan agrees with nan."""
        both_nan = bool(np.all(np.isnan(self.stored)) and np.all(np.isnan(self.now)))
        return both_nan or self.difference <= self.allowed


def remake(row: AnyRow) -> list[Comparison]:
    """Compute a row's sample again, at its bias and tolerance, and compare every quantity that it holds."""
    (now,) = compute_sample(Task(row.point, row.rtol, row.seed, (row.bias,), quantity_of(row)))
    if isinstance(row, InformationRow) and isinstance(now, InformationRow):
        return _of_information(row, now)
    assert isinstance(row, Row) and isinstance(now, Row)
    return _of_coherence(row, now)


def _of_information(row: InformationRow, now: InformationRow) -> list[Comparison]:
    values = [(name, getattr(row, name), getattr(now, name)) for name in MEASURED]
    return [_compared(name, stored, again, stored, row.rtol + now.rtol) for name, stored, again in values]


def _of_coherence(row: Row, now: Row) -> list[Comparison]:
    allowed = sum(np.fmax(one.rtol, one.relative_error) for one in (row, now))
    slope_scale = max(abs(row.coherence_slope), row.coherence / row.bias)
    scales = {"coherence": row.coherence, "coherence_slope": slope_scale, "transmission": row.transmission}
    compared = [
        _compared(name, getattr(row, name), getattr(now, name), scale, allowed) for name, scale in scales.items()
    ]
    for name in ("density_profile", "spectral_weight"):
        stored, again = getattr(row, name), getattr(now, name)
        if stored is not None and again is not None:
            profile = _unpacked(stored)
            compared.append(_compared(name, profile, _unpacked(again), float(np.abs(profile).max()), allowed))
    return compared


def _compared(name: str, stored: float | NDArray, now: float | NDArray, scale: float, allowed: float) -> Comparison:
    difference = float(np.max(np.abs(np.subtract(now, stored))))
    relative = difference / abs(scale) if difference else 0.0
    return Comparison(name, np.asarray(stored).tolist(), np.asarray(now).tolist(), relative, float(allowed))


def _unpacked(profile: bytes) -> NDArray[np.floating]:
    return np.frombuffer(profile, dtype="<f4").astype(float)
