"""The one module that imports Kwant, when called for: it builds the bar and takes Kwant's scattering states.

It takes plain arrays and numbers, so that the rest of the package neither needs Kwant nor knows its types.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def _import() -> Any:
    try:
        import kwant
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Kwant is not installed: install this package with its extra, anderson-ness[kwant]"
        ) from error
    return kwant


def solver_name() -> str:
    """Which sparse solver Kwant uses: "MUMPS", or "SuperLU" where Kwant was built without MUMPS."""
    solver = _import().solvers.default.hidden_instance
    return "MUMPS" if type(solver).__module__.endswith("mumps") else "SuperLU"


def build(onsite: NDArray[np.float64], t_parallel: float, t_perp: float, t_contact: float) -> Any:
    """A finalized system with leads 0 (left) and 1 (right); sites are tagged (x1, x2, x3) from 0."""
    kwant = _import()
    lx, ly, lz = onsite.shape
    lattice = kwant.lattice.cubic(norbs=1, name="bar")
    system = kwant.Builder()
    for tag in np.ndindex(lx, ly, lz):
        system[lattice(*tag)] = float(onsite[tag])
    for x in range(lx):
        _bind_slice(system, lattice, x, ly, lz, 1.0)
    for x in range(lx - 1):
        _bind_to_next(system, lattice, x, ly, lz, 1.0)

    first, last = 0, lx - 1
    if t_contact != t_parallel:
        first, last = -1, lx
        for x in (first, last):
            for y, z in np.ndindex(ly, lz):
                system[lattice(x, y, z)] = 0.0
            _bind_slice(system, lattice, x, ly, lz, t_perp)
        _bind_to_next(system, lattice, first, ly, lz, t_contact)
        _bind_to_next(system, lattice, lx - 1, ly, lz, t_contact)

    for direction in (-1, 1):
        lead = kwant.Builder(kwant.TranslationalSymmetry((direction, 0, 0)))
        for y, z in np.ndindex(ly, lz):
            lead[lattice(0, y, z)] = 0.0
        _bind_slice(lead, lattice, 0, ly, lz, t_perp)
        _bind_to_next(lead, lattice, 0, ly, lz, t_parallel)
        system.attach_lead(lead, origin=lattice(first if direction < 0 else last, 0, 0))
    return system.finalized()


def _bind_slice(builder: Any, lattice: Any, x: int, ly: int, lz: int, hopping: float) -> None:
    """Bind each pair of transverse neighbours once; a site is never its own neighbour."""
    for y, z in np.ndindex(ly, lz):
        for neighbour in (((y + 1) % ly, z), (y, (z + 1) % lz)):
            if neighbour != (y, z):
                builder[lattice(x, y, z), lattice(x, *neighbour)] = hopping


def _bind_to_next(builder: Any, lattice: Any, x: int, ly: int, lz: int, hopping: float) -> None:
    for y, z in np.ndindex(ly, lz):
        builder[lattice(x, y, z), lattice(x + 1, y, z)] = hopping


def scattering_states(
    system: Any, energy: float, shape: tuple[int, int, int]
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Kwant's wave functions of both leads on the sample's sites, each (n_channels, n_sites).

    Sites are mapped by tag to the C order of ``shape`` (Kwant's order is its own), and divided by sqrt(2 pi):
    Kwant normalises to unit current, the package to delta functions in energy.
    """
    kwant = _import()
    wave_function = kwant.wave_function(system, energy)
    position = sample_positions(system, shape)
    left, right = (wave_function(lead)[:, position] / np.sqrt(2 * np.pi) for lead in (0, 1))
    return left, right


def sample_positions(system: Any, shape: tuple[int, int, int]) -> NDArray[np.intp]:
    """Kwant's index of each sample site, in C order of ``shape``."""
    position = np.empty(shape, dtype=np.intp)
    for index, site in enumerate(system.sites):
        if 0 <= site.tag[0] < shape[0]:
            position[tuple(site.tag)] = index
    return position.ravel()
