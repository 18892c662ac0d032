import numpy as np
import pytest
from scipy.stats import unitary_group

from anderson_ness.theory.circuit import (
    Averages,
    Circuit,
    _average_layer,
    autocorrelation_time,
    average_step,
    block_mean,
    brickwork_averages,
    evolve,
    half_coherence,
    positions,
    product_state,
    qssep_coherence,
    relaxation_time,
    simulate,
    steady_averages,
    volume_law,
)


def random_hermitian(n, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    return matrix + matrix.conj().T


def averages_of(samples):
    """Averages over the last axis of matrices g."""
    diagonal = np.einsum("xxs->xs", samples).real
    return Averages(
        diagonal.mean(axis=1),
        (diagonal[:, None] * diagonal).mean(axis=2),
        (np.abs(samples) ** 2).mean(axis=2),
    )


def assert_averages(actual, expected, **tolerance):
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, **tolerance)


def assert_sampled(samples, expected):
    """Every average of the samples, matrices g along the last axis, within five of its standard errors."""
    diagonal = np.einsum("xxs->xs", samples).real
    parts = diagonal, diagonal[:, None] * diagonal, np.abs(samples) ** 2
    for part, exact in zip(parts, expected, strict=True):
        error = part.std(axis=-1) / np.sqrt(part.shape[-1])
        assert np.all(np.abs(part.mean(axis=-1) - exact) <= 5 * error + 1e-12)


@pytest.mark.parametrize("shape", [(2,), (5,), (8,), (4, 2), (3, 4, 2), (4, 1, 6), (2, 6, 4)])
def test_layers_pair_neighbours_once(shape):
    circuit = Circuit(shape)
    sites = np.array(list(np.ndindex(shape)))
    bonds = [tuple(sorted(bond)) for layer in circuit.layers for bond in layer.tolist()]
    assert len(bonds) == len(set(bonds))
    for layer in circuit.layers:
        assert len(np.unique(layer)) == layer.size  # a site has one gate a layer
    for a, b in bonds:
        steps = np.abs(sites[a] - sites[b])
        steps[1:] = np.minimum(steps[1:], np.array(shape[1:], dtype=int) - steps[1:])
        assert steps.sum() == 1
    rings = sum(np.prod(shape) * {1: 0, 2: 0.5}.get(n, 1) for n in shape[1:])
    assert len(bonds) == (shape[0] - 1) * np.prod(shape[1:]) + rings


def test_average_step_against_drawn_unitaries():
    """One step of a chain of five sites from a correlated state, against SciPy's Haar unitaries."""
    circuit, n_samples = Circuit((5,)), 40_000
    start = random_hermitian(5, 0)
    gates = unitary_group.rvs(2, size=4 * n_samples, random_state=1).reshape(4, n_samples, 2, 2)
    g = np.broadcast_to(start, (n_samples, 5, 5))
    drawn = iter(gates)
    for layer in circuit.layers:
        for a, b in layer:
            U = np.tile(np.eye(5, dtype=complex), (n_samples, 1, 1))
            U[np.ix_(range(n_samples), [a, b], [a, b])] = next(drawn)
            g = U @ g @ U.conj().swapaxes(1, 2)
    g = np.moveaxis(g, 0, -1).copy()
    g[[0, 4]] = g[:, [0, 4]] = 0
    g[0, 0], g[4, 4] = 0.5, -0.5
    exact = average_step(circuit, averages_of(start[..., None]))
    assert_sampled(g, exact)


@pytest.mark.parametrize("shape", [(5,), (4, 2)])
def test_steps_of_trajectories_average_to_the_average_step(shape):
    circuit, n = Circuit(shape), 40_000
    trajectories = evolve(circuit, n, seed=2)
    averages = product_state(np.einsum("xxs->xs", next(trajectories))[:, 0].real)
    for _ in range(3):
        averages, sample = average_step(circuit, averages), next(trajectories)
        assert_sampled(sample, averages)


def test_trajectories_stay_states():
    trajectories = evolve(Circuit((6,)), 3, seed=0)
    for _ in range(6):
        g = next(trajectories)
    np.testing.assert_allclose(g, g.conj().swapaxes(0, 1), atol=1e-14)
    for one in np.moveaxis(g, 2, 0):
        assert np.abs(np.linalg.eigvalsh(one)).max() <= 0.5 + 1e-12
    assert np.array_equal(g[0, 0], np.full(3, 0.5)) and np.array_equal(g[0, 1:], np.zeros((5, 3)))


def test_gates_keep_particles_and_purity():
    g = random_hermitian(12, 4)
    averages = averages_of(g[..., None])
    for layer in Circuit((6, 2)).layers:
        averages = _average_layer(layer, averages)
        assert averages.density.sum() == pytest.approx(np.trace(g).real)
        assert averages.products.sum() == pytest.approx(np.trace(g).real ** 2)
        assert averages.coherences.sum() == pytest.approx(np.sum(np.abs(g) ** 2))


@pytest.mark.parametrize("shape", [(6,), (7,), (4, 2), (4, 2, 2), (3, 1, 4)])
def test_steady_averages_are_a_fixed_point(shape):
    circuit = Circuit(shape)
    steady = steady_averages(circuit)
    assert_averages(average_step(circuit, steady), steady, atol=1e-11)
    np.testing.assert_allclose(np.diagonal(steady.products), np.diagonal(steady.coherences), atol=1e-11)


def test_steady_averages_are_what_the_steps_tend_to():
    circuit = Circuit((6,))
    averages = product_state(np.zeros(6))
    for _ in range(200):
        averages = average_step(circuit, averages)
    assert_averages(averages, steady_averages(circuit), atol=1e-11)


@pytest.mark.parametrize("length", [2, 4, 6, 10, 32, 64])
def test_closed_form_of_the_chain(length):
    circuit, exact = Circuit((length,)), brickwork_averages(length)
    assert_averages(average_step(circuit, exact), exact, atol=1e-14)
    assert_averages(steady_averages(circuit), exact, atol=1e-10)
    ratio = half_coherence(circuit, exact.coherences) / volume_law((length,))
    expected = length**2 / (length**2 - 1) * (1 if length % 4 == 0 else (1 - 4 / length**2) ** 2)
    assert ratio == pytest.approx(expected, rel=1e-12)


def test_long_chains_are_the_qssep():
    length = 256
    x = positions(length)
    exact, formula = brickwork_averages(length).coherences, qssep_coherence(x[:, None], x, length)
    apart = ~np.eye(length, dtype=bool)
    np.testing.assert_allclose(exact[apart], formula[apart], atol=0.01 * formula.max())
    np.testing.assert_allclose(half_coherence(Circuit((length,)), formula), volume_law((length,)), rtol=1e-12)


def test_bars_obey_the_volume_law():
    for edge, tolerance in ((4, 0.005), (8, 0.003)):
        circuit = Circuit((edge, edge, edge))
        assert half_coherence(circuit, steady_averages(circuit).coherences) == pytest.approx(
            volume_law(circuit.shape), rel=tolerance
        )


def test_simulation_agrees_with_the_exact_averages():
    circuit, exact = Circuit((16,)), brickwork_averages(16)
    sample = simulate(circuit, n_measurements=240, n_trajectories=32, seed=7)
    mean, error = block_mean(sample.coherence, 20)
    expected = half_coherence(circuit, exact.coherences)
    assert 0.0005 < error / expected < 0.01
    assert abs(mean - expected) < 4 * error
    assert half_coherence(circuit, sample.squares) == pytest.approx(sample.coherence.mean(), rel=1e-5)
    np.testing.assert_allclose(sample.squares, exact.coherences, atol=0.1 * qssep_coherence(0.5, 0.5, 16))
    again = simulate(circuit, n_measurements=3, n_trajectories=2, seed=7)
    np.testing.assert_array_equal(again.coherence, simulate(circuit, 3, 2, 7).coherence)


def test_coherences_relax_in_the_relaxation_time():
    length = 32
    circuit = Circuit((length,))
    steady = brickwork_averages(length).coherences
    averages = product_state(brickwork_averages(length).density)
    missing = []
    for _ in range(round(3 * relaxation_time(length))):
        averages = average_step(circuit, averages)
        missing.append(half_coherence(circuit, steady - averages.coherences))
    late = len(missing) // 2
    rate = np.log(missing[late] / missing[-1]) / (len(missing) - 1 - late)
    assert 1 / rate == pytest.approx(relaxation_time(length), rel=0.03)


def test_block_errors_of_a_correlated_series():
    """An autoregressive series, whose mean's error and autocorrelation time are known."""
    rng, n, memory = np.random.default_rng(3), 4000, 0.9
    noise = rng.normal(size=(n + 200, 50))
    series = np.zeros_like(noise)
    for i in range(1, len(noise)):
        series[i] = memory * series[i - 1] + noise[i]
    series = series[200:]
    expected_error = 1 / (1 - memory) / np.sqrt(series.size)
    mean, error = block_mean(series, 200)
    assert abs(mean) < 4 * error
    assert error == pytest.approx(expected_error, rel=0.1)
    assert block_mean(series, 1)[1] < 0.3 * expected_error  # too short a block
    assert autocorrelation_time(series) == pytest.approx(0.5 * (1 + memory) / (1 - memory), rel=0.1)


@pytest.mark.parametrize("shape", [(1,), (4, 3), (4, 0), (4.5,), ()])
def test_shapes_are_checked(shape):
    with pytest.raises(ValueError, match="shape"):
        Circuit(shape)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: next(evolve(Circuit((4,)), 0, 0)), "n_trajectories"),
        (lambda: next(evolve(Circuit((4,)), 1, 0, density=np.zeros(3))), "density"),
        (lambda: brickwork_averages(5), "length"),
        (lambda: block_mean(np.zeros(10), 6), "n_block"),
        (lambda: block_mean(np.zeros(10), 0), "n_block"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
