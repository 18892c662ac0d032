"""Mutual coherence of fermionic states (Eq. 5 of the paper)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anderson_ness import _check


def mutual_coherence(
    G: ArrayLike, region_a: ArrayLike, region_b: ArrayLike, anomalous: ArrayLike | None = None
) -> float:
    """Mutual coherence C(A:B) = 2 sum_{x in A, y in B} |<c_x^dag c_y>|^2 + |<c_x c_y>|^2 (Eq. 5).

    Parameters
    ----------
    G
        Correlation matrix, shape (n_sites, n_sites); of the two conventions <c_x^dag c_y> and <c_y^dag c_x> either
        will do, since only |G_xy|^2 enters and G is Hermitian.
    region_a, region_b
        Two disjoint, non-empty regions: arrays of site indices or boolean masks of length n_sites.
    anomalous
        The matrix <c_x c_y>, shape (n_sites, n_sites), of states without particle conservation.

    Returns
    -------
    float
        Dimensionless, >= 0.

    Raises
    ------
    ValueError
        If a matrix is not square and finite, or a region is empty, out of range, repeats a site or overlaps the other.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.information import mutual_coherence
    >>> G = np.array([[0.5, 0.3j], [-0.3j, 0.5]])
    >>> round(mutual_coherence(G, [0], [1]), 12)
    0.18
    """
    correlations = square_matrix("G", G)
    n_sites = len(correlations)
    a = region_indices("region_a", region_a, n_sites)
    b = region_indices("region_b", region_b, n_sites)
    if np.intersect1d(a, b).size:
        raise ValueError("region_a and region_b must not share a site")
    matrices = [correlations]
    if anomalous is not None:
        matrices.append(square_matrix("anomalous", anomalous, n_sites))
    return float(sum(2 * np.linalg.norm(matrix[np.ix_(a, b)]) ** 2 for matrix in matrices))


def coherence_density(G: ArrayLike, region: ArrayLike) -> NDArray[np.float64]:
    """Coherence density c_A(x) = C(A:{x}) of every site with a region A.

    A site of A counts its coherence with the rest of A. Summed over the sites of a region B disjoint from A it
    gives the mutual coherence C(A:B).

    Parameters
    ----------
    G
        Correlation matrix, shape (n_sites, n_sites).
    region
        Region A: site indices or a boolean mask.

    Returns
    -------
    ndarray of shape (n_sites,)
        Dimensionless, >= 0.

    Raises
    ------
    ValueError
        If G is not square and finite, or the region is empty, out of range or repeats a site.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.information import coherence_density, mutual_coherence
    >>> rng = np.random.default_rng(1)
    >>> A = rng.normal(size=(6, 6)) / 20
    >>> G = np.eye(6) / 2 + A + A.T
    >>> left = np.arange(6) < 3
    >>> density = coherence_density(G, left)
    >>> bool(np.isclose(density[~left].sum(), mutual_coherence(G, left, ~left)))
    True
    """
    correlations = square_matrix("G", G)
    sites = region_indices("region", region, len(correlations))
    squares = np.abs(correlations[:, sites]) ** 2
    squares[sites, np.arange(sites.size)] = 0
    return 2 * squares.sum(axis=1)


def square_matrix(name: str, matrix: ArrayLike, size: int | None = None) -> NDArray:
    """Return a finite square matrix (of the given size), or raise ValueError naming the argument."""
    array = _check.as_array(name, matrix)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.dtype.kind not in "iufc":
        raise ValueError(f"{name} must be a square numeric matrix, not of shape {array.shape}")
    if size is not None and len(array) != size:
        raise ValueError(f"{name} must have shape {(size, size)}, not {array.shape}")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must hold finite numbers")
    return array


def region_indices(name: str, region: ArrayLike, n_sites: int) -> NDArray[np.intp]:
    """Site indices of a region given as indices or as a mask, or raise ValueError naming the argument."""
    array = np.atleast_1d(_check.as_array(name, region))
    if array.dtype == bool:
        if array.shape != (n_sites,):
            raise ValueError(f"{name} as a mask must have shape {(n_sites,)}, not {array.shape}")
        array = np.flatnonzero(array)
    if array.size == 0:
        raise ValueError(f"{name} must have at least one site")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be a one-dimensional array of site indices or a boolean mask")
    if array.min() < 0 or array.max() >= n_sites:
        raise ValueError(f"{name} must hold site indices from 0 to {n_sites - 1}")
    if np.unique(array).size != array.size:
        raise ValueError(f"{name} must not name a site twice")
    return array.astype(np.intp)
