import numpy as np
import pytest
from bars import closed_sample

from anderson_ness import AndersonBar, Leads
from anderson_ness.leads import channel_basis
from anderson_ness.states.elimination import OpenBar, SliceFactor, singular_values, symmetric_inverse

SHAPES = [(1, 1, 1), (1, 3, 2), (2, 1, 1), (2, 3, 1), (3, 1, 1), (3, 2, 2), (4, 3, 3), (5, 2, 3), (7, 1, 2), (12, 2, 1)]
FLAT = (3, 11, 10)  # slices above the order at which blocks are inverted by halves
ENERGIES = [0.2 + 0.05j, -0.4 + 1.5j, 0.1 + 1e-6j]
LEADS = [Leads(), Leads(-1.7, 0.4, 0.5)]


def bar_of(shape, leads=LEADS[0], disorder=7.0):
    return AndersonBar.random(shape, disorder, seed=sum(shape), leads=leads)


def operator(bar, energy, self_energy=None):
    """A(E), dense."""
    matrix = energy * np.eye(bar.n_sites) - closed_sample(bar).astype(complex)
    values = bar.leads.self_energy(energy, *bar.shape[1:]) if self_energy is None else self_energy
    basis = channel_basis(*bar.shape[1:])
    sigma = basis * values @ basis.T
    step = bar.n_slice
    matrix[:step, :step] -= sigma
    matrix[-step:, -step:] -= sigma
    return matrix


def random_field(bar, n_columns=4, seed=0):
    rng = np.random.default_rng(seed)
    shape = (bar.shape[0], bar.n_slice, n_columns)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def flat(field):
    return field.reshape(-1, field.shape[-1])


@pytest.mark.parametrize("leads", LEADS, ids=["default", "negative"])
@pytest.mark.parametrize("energy", [*ENERGIES, 0.3 - 0.2j, 0.15])
@pytest.mark.parametrize("shape", SHAPES)
def test_apply_is_the_dense_operator(shape, energy, leads):
    bar = bar_of(shape, leads)
    field = random_field(bar)
    result = flat(OpenBar(bar).apply(energy, field))
    np.testing.assert_allclose(result, operator(bar, energy) @ flat(field), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_apply_takes_one_energy_a_column(shape):
    bar = bar_of(shape)
    field, energies = random_field(bar), np.array([0.1 - 1j, 0.2 + 0.5j, -0.3, 0.4 - 1e-9j])
    together = OpenBar(bar).apply(energies, field)
    for j, energy in enumerate(energies):
        alone = OpenBar(bar).apply(energy, field[:, :, [j]])
        np.testing.assert_allclose(together[:, :, [j]], alone, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_apply_of_no_columns_is_empty(shape):
    bar = bar_of(shape)
    assert OpenBar(bar).apply(np.empty(0, dtype=complex), random_field(bar, 0)).shape == (shape[0], bar.n_slice, 0)


@pytest.mark.parametrize("energy", [0.2 + 0.3j, 0.1 - 0.2j, -0.3 + 1e-2j])
@pytest.mark.parametrize("shape", SHAPES)
def test_apply_derivative_is_the_finite_difference(shape, energy):
    bar, step = bar_of(shape), 1e-3
    field, open_bar = random_field(bar), OpenBar(bar)
    values = [open_bar.apply(energy + k * step, field) for k in (-2, -1, 1, 2)]
    difference = np.einsum("k,kxsp->xsp", [1, -8, 8, -1], values) / (12 * step)
    np.testing.assert_allclose(open_bar.apply_derivative(energy, field), difference, atol=1e-10)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.complex128, 1e-12), (np.complex64, 3e-4)])
@pytest.mark.parametrize("energy", ENERGIES)
@pytest.mark.parametrize("leads", LEADS, ids=["default", "negative"])
@pytest.mark.parametrize("shape", [*SHAPES, FLAT])
def test_solve_is_the_dense_solution(shape, leads, energy, dtype, tolerance):
    bar = bar_of(shape, leads)
    source = random_field(bar, 3)
    solution = SliceFactor(OpenBar(bar), energy, dtype).solve(source)
    assert solution.dtype == dtype
    expected = np.linalg.solve(operator(bar, energy), flat(source))
    assert np.linalg.norm(flat(solution) - expected) <= tolerance * np.linalg.norm(expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_solve_inverts_apply(shape):
    bar = bar_of(shape)
    open_bar, field = OpenBar(bar), random_field(bar)
    factor = SliceFactor(open_bar, 0.1 + 0.2j)
    np.testing.assert_allclose(factor.solve(open_bar.apply(0.1 + 0.2j, field)), field, atol=1e-12)


def test_solve_leaves_its_source_alone():
    bar = bar_of((4, 2, 2))
    source = random_field(bar)
    before = source.copy()
    SliceFactor(OpenBar(bar), 0.1 + 0.2j).solve(source)
    np.testing.assert_array_equal(source, before)


@pytest.mark.parametrize("shape", [*SHAPES, FLAT])
def test_what_arrives_at_the_ends_is_the_solution_there(shape):
    bar = bar_of(shape)
    factor = SliceFactor(OpenBar(bar), ENERGIES[0])
    for first in range(shape[0]):
        for stop in range(first + 1, shape[0] + 1):
            source = random_field(bar, 3)
            source[:first] = source[stop:] = 0
            left, right = factor.solve_to_ends(source[first:stop], first)
            whole = factor.solve(source)
            np.testing.assert_allclose(left, whole[0], atol=1e-12)
            np.testing.assert_allclose(right, whole[-1], atol=1e-12)


@pytest.mark.parametrize("shape", [*SHAPES, FLAT])
def test_what_comes_from_the_ends_is_the_solution(shape):
    bar = bar_of(shape)
    factor = SliceFactor(OpenBar(bar), ENERGIES[0])
    left, right = random_field(bar, 3)[0], random_field(bar, 3)[-1]
    source = np.zeros_like(random_field(bar, 3))
    source[0] += left
    source[-1] += right
    whole = factor.solve(source)
    for first in range(shape[0]):
        for stop in range(first + 1, shape[0] + 1):
            some = factor.solve_from_ends(left, right, slice(first, stop))
            np.testing.assert_allclose(some, whole[first:stop], atol=1e-12)


def test_a_rounded_factor_solves_in_single_precision():
    bar = bar_of((4, 3, 2))
    factor, source = SliceFactor(OpenBar(bar), ENERGIES[0]), random_field(bar)
    rounded = factor.rounded()
    assert rounded.solve(source).dtype == np.complex64
    assert rounded.rounded() is rounded
    np.testing.assert_allclose(rounded.solve(source), factor.solve(source), atol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.complex128, 1e-12), (np.complex64, 3e-4)])
@pytest.mark.parametrize("energy", ENERGIES)
@pytest.mark.parametrize("shape", [*SHAPES, FLAT])
def test_slice_traces_are_the_dense_ones(shape, energy, dtype, tolerance):
    bar = bar_of(shape)
    traces = SliceFactor(OpenBar(bar), energy, dtype).slice_traces()
    expected = np.diagonal(np.linalg.inv(operator(bar, energy))).reshape(shape[0], -1).sum(axis=1)
    np.testing.assert_allclose(traces, expected, atol=tolerance * np.abs(expected).max())


def test_rounding_does_not_grow_from_slice_to_slice():
    """What halves leave of an antisymmetric part had grown by 1e12 over 18 slices, and with it the traces' errors."""
    open_bar, energy = OpenBar(AndersonBar.random((18, 12, 12), 10.0, 1)), 0.01 + 0.0007j
    factor = SliceFactor(open_bar, energy)
    for green in factor.green:
        np.testing.assert_allclose(green, green.T, atol=1e-12 * np.abs(green).max())
    rng = np.random.default_rng(1)
    source = rng.standard_normal((18, 144, 2)) + 0j
    residual = open_bar.apply(energy, factor.solve(source)) - source
    assert np.abs(residual).max() < 1e-10
    traces = factor.slice_traces()
    for x in (0, 5, 17):
        source = np.zeros((18, 144, 144), dtype=complex)
        source[x] = np.eye(144)
        assert traces[x] == pytest.approx(np.trace(factor.solve(source)[x]), rel=1e-10)


def test_traces_survive_levels_of_parts_of_the_bar_next_to_the_energy():
    # In single precision the recursion from the middle was off by a per cent of the largest trace in the last slices.
    open_bar = OpenBar(AndersonBar.random((24, 11, 11), 16.867532419043922, 1059))
    energy = (-0.7 + 0.1j) / 88
    exact, single = (SliceFactor(open_bar, energy, dtype).slice_traces() for dtype in (np.complex128, np.complex64))
    np.testing.assert_allclose(single, exact, atol=1e-3 * np.abs(exact.imag).max())


@pytest.mark.parametrize("shape", [(2, 3, 1), (4, 2, 2)])
def test_a_high_potential_costs_no_digits_elsewhere(shape):
    onsite = bar_of(shape).onsite.copy()
    onsite[0, 0, 0] = 1e8
    bar, source = AndersonBar(onsite), random_field(bar_of(shape))
    expected = np.linalg.solve(operator(bar, ENERGIES[0]), flat(source))
    solution = flat(SliceFactor(OpenBar(bar), ENERGIES[0]).solve(source))
    np.testing.assert_allclose(solution, expected, rtol=1e-10)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.complex128, 1e-11), (np.complex64, 1e-3)])
@pytest.mark.parametrize("order", [1, 2, 3, 95, 96, 97, 150, 211, 400])
def test_symmetric_inverse_is_the_inverse(order, dtype, tolerance):
    rng = np.random.default_rng(order)
    matrix = rng.standard_normal((order, order)) + 1j * rng.standard_normal((order, order))
    matrix = (matrix + matrix.T) / np.sqrt(order) + 4j * np.eye(order)
    inverse = symmetric_inverse(matrix.astype(dtype))
    assert inverse.dtype == dtype
    np.testing.assert_allclose(inverse @ matrix, np.eye(order), atol=tolerance)


def test_singular_values_survive_a_failing_driver(monkeypatch):
    matrix = np.random.default_rng(1).standard_normal((5, 3))
    expected = np.linalg.svd(matrix, full_matrices=False)

    def fails(*arguments, **keywords):
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(np.linalg, "svd", fails)
    left, sizes, right = singular_values(matrix)
    np.testing.assert_allclose(sizes, expected[1], rtol=1e-14)
    np.testing.assert_allclose(left * sizes @ right, matrix, atol=1e-14)


def test_a_leading_block_with_a_level_at_the_energy_costs_few_digits():
    height, order = 1e-3, 256
    rng = np.random.default_rng(4)
    level = np.linspace(-5, 5, order // 2)
    level[50:52] = 0.0, 1e-4
    rotation, _ = np.linalg.qr(rng.standard_normal((order // 2, order // 2)))
    hermitian = rng.standard_normal((order, order))
    hermitian += hermitian.T
    hermitian[: order // 2, : order // 2] = rotation * level @ rotation.T
    matrix = hermitian + 1j * height * np.eye(order)
    exact = np.linalg.inv(matrix)
    inverse = symmetric_inverse(matrix.astype(np.complex64), height)
    assert np.linalg.norm(inverse - exact) < 1e-3 * np.linalg.norm(exact)
    careless = symmetric_inverse(matrix.astype(np.complex64), np.inf)
    assert np.linalg.norm(careless - exact) > 5 * np.linalg.norm(inverse - exact)


@pytest.mark.parametrize("shape", SHAPES)
def test_end_amplitudes_are_overlaps_with_channels(shape):
    bar = bar_of(shape)
    field, basis = random_field(bar), channel_basis(*shape[1:])
    first, last = OpenBar(bar).end_amplitudes(field)
    np.testing.assert_allclose(first, basis.T @ field[0], atol=1e-14)
    np.testing.assert_allclose(last, basis.T @ field[-1], atol=1e-14)
