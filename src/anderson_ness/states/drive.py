"""How the two leads are filled: the difference of their occupations as a function of energy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from anderson_ness import _check
from anderson_ness.model import AndersonBar

# Thermal windows are cut where the occupations have fallen to rounding: exp(-40) = 4e-18.
_THERMAL_REACH = 40.0


@dataclass(frozen=True)
class Drive:
    """Leads at mu_L = bias/2 and mu_R = -bias/2, both at the same temperature.

    Raises
    ------
    ValueError
        If the bias is not a finite number or the temperature not a finite number >= 0.
    """

    bias: float
    temperature: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "bias", _check.finite_number("bias", self.bias))
        object.__setattr__(self, "temperature", _check.non_negative_number("temperature", self.temperature))

    def difference(self, energy: float) -> float:
        """n^d = (n^L - n^R) / 2; at T = 0 it is sign(bias) / 2 inside the window."""
        if self.temperature == 0:
            return 0.5 * np.sign(self.bias) * (abs(energy) < abs(self.bias) / 2)
        # f_L - f_R = f_L (1 - f_R) (1 - exp(-bias / T)), which does not cancel at small bias.
        size = abs(self.bias)
        filled = expit((size / 2 - energy) / self.temperature)
        empty = expit((size / 2 + energy) / self.temperature)
        return float(-0.5 * np.sign(self.bias) * np.expm1(-size / self.temperature) * filled * empty)

    def difference_slope(self, energy: float) -> float:
        """Derivative of n^d with respect to the bias at T > 0, per unit of energy."""
        scaled = np.array([energy - self.bias / 2, energy + self.bias / 2]) / self.temperature
        return float(np.sum(expit(scaled) * expit(-scaled)) / (4 * self.temperature))

    def breakpoints(self, bar: AndersonBar) -> NDArray[np.float64]:
        """Ends of the window, clipped to the leads' bands, and the energies inside where it or the leads have a kink.

        Raises
        ------
        ValueError
            If no channel of the leads is open in the window.
        """
        edges = bar.leads.band_edges(*bar.shape[1:])
        chemical = abs(self.bias) / 2
        thermal = _THERMAL_REACH * self.temperature
        reach = chemical + thermal
        start, stop = max(-reach, edges[0]), min(reach, edges[-1])
        if start >= stop:
            raise ValueError(
                f"bias must open a window that overlaps the leads' channels, from {edges[0]:.6g} to {edges[-1]:.6g}"
                f" (the window is {-reach:.6g} to {reach:.6g})"
            )
        # A thermal layer on both sides of each chemical potential has its own panels, however thin it is.
        kinks = [*edges, *(side * (chemical + shift) for side in (-1, 1) for shift in (-thermal, 0))]
        points = np.unique([start, stop, *(kink for kink in kinks if start < kink < stop)])
        if not any(bar.leads.open_channels(middle, *bar.shape[1:]).any() for middle in (points[1:] + points[:-1]) / 2):
            raise ValueError("bias must open a window that overlaps the leads' channels: it lies in a gap between them")
        return points
