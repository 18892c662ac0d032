import numpy as np
import pytest

from anderson_ness import AndersonBar, mutual_coherence, nonequilibrium_correlations, scattering_states, transmission
from anderson_ness.ensembles import coherence_field
from anderson_ness.ensembles.errors import SpecificationError

SPECIFICATION = """
root_seed = 5
[[points]]
kind = "energy"
disorder = [12.0]
length = [4]
samples = 2
[[points]]
kind = "window"
disorder = [12.0]
length = [4]
samples = 1
"""


def by_pairs(bar, field):
    """The translation average by a loop over all pairs of sites."""
    lengths = bar.shape
    sites = list(np.ndindex(lengths))
    result = np.zeros((lengths[0], *lengths))
    for a, x in enumerate(sites):
        for b, y in enumerate(sites):
            shift = (y[1] - x[1]) % lengths[1], (y[2] - x[2]) % lengths[2]
            result[x[0], y[0], *shift] += abs(field[a, b]) ** 2 / bar.n_slice
    return result


def driven(bar, energy):
    left, right = scattering_states(bar, energy)
    return left.T @ left.conj() - right.T @ right.conj()


def test_averages_over_translations_are_those_over_pairs():
    bar = AndersonBar.random((3, 4, 2), 10.0, 1)
    q, n = driven(bar, 0.1), bar.n_slice
    found = coherence_field.averaged(bar.shape, lambda i: q[i * n : (i + 1) * n, i * n :])
    np.testing.assert_allclose(found, by_pairs(bar, q), rtol=1e-12)


def test_bins_hold_the_means_over_their_pairs():
    rng = np.random.default_rng(0)
    field = rng.random((4, 4, 4, 4))
    found = coherence_field.binned(field)
    assert found["slices"][1] == pytest.approx(field[0, 1].mean())
    assert found["slices"][0] == pytest.approx((field[0, 0].sum() - field[0, 0, 0, 0]) / 15)
    nearest = [field[2, 2][place] for place in ((0, 1), (0, 3), (1, 0), (3, 0), (1, 1), (1, 3), (3, 1), (3, 3))]
    assert found["planes"].reshape(4, 2)[2, 0] == pytest.approx(np.mean(nearest))
    assert found["radial"][0] == pytest.approx((field[1, 1, 0, 0] + field[2, 2, 0, 0]) / 2)
    assert len(found["radial"]) == 3


def test_an_energy_row_against_the_whole_matrices():
    bar = AndersonBar.random(4, 10.0, 2)
    found = coherence_field.energy_field(bar)
    energies = coherence_field.ENERGY_UNIT / 64 * (np.array(coherence_field.MARKS) - 8.5)
    matrices = [driven(bar, energy) for energy in energies]
    used = [matrices[0], matrices[5]]
    assert found["coherence"] == pytest.approx(
        np.mean([mutual_coherence(q, bar.left_half, bar.right_half) for q in used]), rel=1e-5
    )
    assert found["transmission"] == pytest.approx(np.mean([transmission(bar, E) for E in energies[[0, 5]]]), rel=1e-5)
    diagonal = np.mean([np.diagonal(q).real.reshape(4, -1).mean(axis=1) for q in used], axis=0)
    np.testing.assert_allclose(found["density"], diagonal, atol=1e-6)
    expected = coherence_field.binned(np.mean([by_pairs(bar, q) for q in used], axis=0))
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4)
    # Random probes: within a few of their standard errors, which are below a third.
    half = [q[:32, 32:] for q in matrices]
    exact = np.mean([np.linalg.norm(one) ** 2 for one in half])
    assert found["correlation"][0] == pytest.approx(exact, rel=0.35)
    assert len(set(coherence_field.DIFFERENCES)) == len(coherence_field.DIFFERENCES) == 16


def test_a_window_row_against_the_whole_matrix(monkeypatch):
    monkeypatch.setattr(coherence_field, "SCALED_BIAS", 4.0)
    bar = AndersonBar.random(4, 10.0, 2)
    found = coherence_field.window_field(bar)
    G = nonequilibrium_correlations(bar, 4 * 16.5 / 64, rtol=1e-2)
    assert found["coherence"] == pytest.approx(mutual_coherence(G, bar.left_half, bar.right_half), rel=1e-10)
    np.testing.assert_allclose(found["slices"], coherence_field.binned(by_pairs(bar, G))["slices"], rtol=1e-10)


def test_the_table_grows_and_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(coherence_field, "SCALED_BIAS", 4.0)
    path = tmp_path / "coherence_field.toml"
    path.write_text(SPECIFICATION)
    coherence_field.main([str(path)], standalone_mode=False)
    first = coherence_field.read_coherence_field(tmp_path)
    assert list(first["kind"]) == ["energy", "energy", "window"]
    assert first["radial"][0].shape == (3,) and first["correlation"][0].shape == (16,)
    assert len(first["correlation"][2]) == 0 and np.isnan(first["transmission"][2])
    content = path.with_suffix(".csv").read_bytes()
    coherence_field.main([str(path)], standalone_mode=False)
    assert path.with_suffix(".csv").read_bytes() == content


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [("length = [4]", "length = [5]", "even numbers"), ('"energy"', '"time"', "kind must be one of")],
)
def test_bad_specifications_are_refused(tmp_path, old, new, sentence):
    path = tmp_path / "coherence_field.toml"
    path.write_text(SPECIFICATION.replace(old, new, 1))
    with pytest.raises(SpecificationError, match=sentence):
        coherence_field.wanted(path)
