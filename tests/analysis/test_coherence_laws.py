import numpy as np
import pandas as pd
import pytest

from anderson_ness import AndersonBar, window_coherence
from anderson_ness.analysis import coherence_laws
from anderson_ness.ensembles.errors import TableError
from anderson_ness.theory import diffuson, energy_window, scaling

RHO = (0.084, 0.0005)
BIASES = (0.05, 0.15, 0.5)


def samples(lengths=(8, 10, 12, 16), biases=BIASES, count=40, boundary=0.0, coefficient=1.0, seed=0, disorder=10.0):
    """Samples that obey diffusion theory on average; coherences at all biases, and transmissions, are correlated."""
    rng = np.random.default_rng(seed)
    rows = []
    for length in lengths:
        for number in range(count):
            common, noise = rng.normal(size=2)
            mean_transmission = 0.25 * length
            longer = 1 + boundary / length
            for bias in biases:
                ratio = energy_window.thouless_ratio(bias, length, RHO[0], mean_transmission)
                law = scaling.volume_law(bias, length, RHO[0]) * energy_window.window_share(ratio * longer) * longer
                coherence = coefficient * law * (1 + 0.1 * common + 0.03 * rng.normal())
                transmission = mean_transmission * (1 + 0.1 * common + 0.1 * noise)
                rows.append(
                    (length, disorder, 1000 * length + number, 3.0, 1.0, 3.0, bias, coherence, transmission, True)
                )
    return pd.DataFrame(rows, columns=coherence_laws._COLUMNS)


def test_means_are_those_of_the_samples_with_the_covariance_of_what_shares_them():
    table = samples(lengths=(8, 10), count=30)
    means = coherence_laws.means(table, 10.0)
    assert means.length.tolist() == [8] * 3 + [10] * 3
    assert means.bias.tolist() == [*BIASES, *BIASES]
    assert means.samples.tolist() == [30] * 6
    wide = table[table.length == 8].pivot(index="seed", columns="bias", values="coherence")
    np.testing.assert_allclose(means.value[:3], wide.mean())
    np.testing.assert_allclose(means.covariance[:3, :3], np.cov(wide.T) / 30)
    assert not means.covariance[:3, 3:].any()
    own = table[table.length == 8].drop_duplicates("seed").set_index("seed")["transmission"]
    np.testing.assert_allclose(means.transmission[:3], own.mean())
    expected = [np.cov(wide[bias], own.loc[wide.index])[0, 1] / 30 for bias in BIASES]
    np.testing.assert_allclose(means.transmission_covariance[1][:3, 0], expected)
    np.testing.assert_allclose(means.transmission_covariance[0][:3, :3], own.var() / 30)


def test_points_of_few_samples_other_strengths_and_other_contacts_are_left_out():
    table = samples(lengths=(8, 10), count=10)
    few = table[~((table.length == 10) & (table.bias == 0.5) & (table.seed % 1000 > 4))]
    assert coherence_laws.means(few, 10.0).bias.tolist() == [*BIASES, 0.05, 0.15]
    assert len(coherence_laws.means(table, 11.0)) == 0
    assert len(coherence_laws.means(table, 10.0, t_contact=1.0)) == 0
    means = coherence_laws.means(table, 10.0)
    assert means.at_bias(0.15).length.tolist() == [8, 10]
    assert means.at_length(10).bias.tolist() == list(BIASES)
    assert means.at_length(9, 12).transmission_covariance.shape == (2, 3, 3)
    with pytest.raises(ValueError, match="fewest must be at least 5"):
        coherence_laws.means(table, 10.0, fewest=4)


def test_fits_take_only_as_many_biases_as_the_samples_carry():
    means = coherence_laws.means(samples(lengths=(8,), count=9, biases=np.geomspace(0.01, 1, 8)), 10.0)
    usable = means.invertible()
    assert len(usable) == 3
    assert usable.bias[-1] == means.bias[-1]
    kept = np.isin(means.bias, usable.bias)
    np.testing.assert_allclose(usable.covariance, means.covariance[np.ix_(kept, kept)] * 8 / 4)
    np.linalg.cholesky(usable.covariance)


def test_exponents_of_a_power_law_are_recovered():
    rng = np.random.default_rng(1)
    rows = []
    for length in (8, 10, 12, 16):
        for number in range(30):
            factor = np.exp(0.05 * rng.normal())
            for bias in BIASES:
                noise = 1 + 0.01 * rng.normal()
                coherence = 1e-3 * length**2.2 * bias**1.3 * factor * noise
                rows.append((length, 30.0, 1000 * length + number, 3.0, 1.0, 3.0, bias, coherence, 1.0, True))
    means = coherence_laws.means(pd.DataFrame(rows, columns=coherence_laws._COLUMNS), 30.0)
    for fit in (coherence_laws.growth(means), coherence_laws.size_law(means.at_bias(0.15))):
        assert abs(fit.values["length"] - 2.2) < 3 * fit.errors["length"] < 0.3
    fit = coherence_laws.common_exponent(means)
    assert abs(fit.values["bias"] - 1.3) < 3 * fit.errors["bias"] < 0.05
    table = coherence_laws.size_exponents(means)
    assert table["bias"].tolist() == list(BIASES)
    assert np.all(np.abs(table["exponent"] - 2.2) < 4 * table["error"])
    assert (table["smallest"].min(), table["largest"].max()) == (8, 16)
    local = coherence_laws.bias_exponents(means)
    assert len(local) == 4 * 2
    assert np.all(np.abs(local["exponent"] - 1.3) < 5 * local["error"])
    wrong = coherence_laws.size_law(means.at_bias(0.15), 3.0)
    assert wrong.reduced_chi_square > 10


def test_too_few_sizes_give_no_law_and_two_biases_at_once_are_refused():
    means = coherence_laws.means(samples(lengths=(8,)), 10.0)
    assert coherence_laws.size_law(means.at_bias(0.5)) is None
    assert coherence_laws.common_exponent(means.at_bias(0.5)) is None
    assert coherence_laws.common_exponent(means.select(np.zeros(3, dtype=bool))) is None
    assert coherence_laws.size_exponents(means).empty
    with pytest.raises(ValueError, match="a size occurs twice"):
        coherence_laws.size_law(means)


def test_the_crossover_recovers_its_corrections_with_honest_errors():
    scores = []
    for seed in range(30):
        means = coherence_laws.means(samples(boundary=-1.0, coefficient=0.9, seed=seed), 10.0)
        fit = coherence_laws.fit_crossover(means, (RHO[0], 0.0), {"thouless": 1.0})
        truth = {"coefficient": 0.9, "boundary": -1.0}
        scores.append([(fit.values[name] - value) / fit.errors[name] for name, value in truth.items()])
    # The mean transmission in use is a noisy one: its errors must be part of the parameters'.
    assert np.all(np.abs(np.mean(scores, axis=0)) < 0.6)
    assert np.all((np.std(scores, axis=0) > 0.6) & (np.std(scores, axis=0) < 1.5))


def test_the_error_of_the_density_of_states_is_in_that_of_the_coefficient():
    means = coherence_laws.means(samples(), 10.0)
    fixed = {"thouless": 1.0, "boundary": 0.0}
    sharp = coherence_laws.fit_crossover(means, (RHO[0], 0.0), fixed)
    vague = coherence_laws.fit_crossover(means, (RHO[0], 0.1 * RHO[0]), fixed)
    assert sharp.values == vague.values
    expected = np.hypot(sharp.errors["coefficient"], 0.1 * sharp.values["coefficient"])
    assert vague.errors["coefficient"] == pytest.approx(expected)
    value, error = coherence_laws.per_driven_state(means, RHO[0])
    np.testing.assert_allclose(value / error, means.value / means.error)
    assert np.all(value < 1.05)


def planted(formula, count=40, seed=0):
    """Samples whose coherence is 0.9 of a formula of bias, size and the sample's own transmission."""
    rng = np.random.default_rng(seed)
    rows = []
    for length in (8, 10, 12, 16):
        for number in range(count):
            common = 1 + 0.1 * rng.normal()
            transmission = 0.25 * length * (1 + 0.05 * rng.normal())
            for bias in BIASES:
                value = 0.9 * formula(bias, length, 0.25 * length) * (common + 0.02 * rng.normal())
                mean = transmission * common
                rows.append((length, 10.0, 1000 * length + number, 3.0, 1.0, 3.0, bias, value, mean, True))
    return coherence_laws.means(pd.DataFrame(rows, columns=coherence_laws._COLUMNS), 10.0)


def test_the_prediction_is_that_of_the_formulas_and_its_errors_those_of_all_that_is_measured():
    means = planted(lambda *at: energy_window.diffusive_coherence(*at[:2], RHO[0], at[2]))
    simple, full = (coherence_laws.predict(means, (RHO[0], 0.0), ends) for ends in (None, (-0.4, 0.0)))
    at = means.bias, means.length, RHO[0], means.transmission
    np.testing.assert_allclose(simple.value, energy_window.diffusive_coherence(*at))
    np.testing.assert_allclose(full.value, diffuson.halves_coherence(*at, -0.4))
    # Where the transmissions fluctuate upwards so does the coherence, while its prediction falls: the errors add.
    wide = means.bias == BIASES[-1]
    assert not np.any(full.covariance[np.ix_(means.length == 8, means.length == 10)])
    assert np.all(np.diagonal(full.covariance)[wide] > means.error[wide] ** 2)
    vague = coherence_laws.predict(means, (RHO[0], 0.01), (-0.4, 0.1))
    moved = diffuson.halves_coherence(*at[:2], RHO[0] + 0.01, at[3], -0.4) - full.value
    longer = diffuson.halves_coherence(*at, -0.3) - full.value
    np.testing.assert_allclose(vague.covariance - full.covariance, np.outer(moved, moved) + np.outer(longer, longer))


@pytest.mark.parametrize("ends", [None, (-0.4, 0.0)])
def test_the_coefficient_of_either_formula_is_recovered_with_honest_errors(ends):
    formula = {
        True: lambda bias, length, mean: energy_window.diffusive_coherence(bias, length, RHO[0], mean),
        False: lambda bias, length, mean: diffuson.halves_coherence(bias, length, RHO[0], mean, -0.4),
    }[ends is None]
    fits = [coherence_laws.fit_coefficient(planted(formula, seed=one), (RHO[0], 0.0), ends) for one in range(25)]
    scores = [(fit.values["coefficient"] - 0.9) / fit.errors["coefficient"] for fit in fits]
    assert abs(np.mean(scores)) < 0.7
    assert 0.6 < np.std(scores) < 1.5
    assert 0.6 < np.mean([fit.reduced_chi_square for fit in fits]) < 1.4
    # Samples of the other formula do not follow this one, and those of this one do not with the coefficient 1.
    other = (-0.4, 0.0) if ends is None else None
    means = planted(formula)
    assert coherence_laws.fit_coefficient(means, (RHO[0], 0.0), other).reduced_chi_square > 3
    fixed = coherence_laws.fit_coefficient(means, (RHO[0], 0.0), ends, free=False)
    assert fixed.values == {"coefficient": 1.0} and fixed.degrees_of_freedom == len(means.invertible())
    assert fixed.chi_square > fits[0].chi_square + 20


def test_densities_of_slices_add_up_to_the_coherence_of_the_halves():
    bar, bias, rho = AndersonBar.random(4, 10.0, 1), 1.0, 0.084
    found = coherence_laws.slice_densities(bar, bias, rho, rtol=1e-6)
    expected = window_coherence(bar, bias).coherence
    for own in (slice(0, 2), slice(2, 4)):
        assert found.half[own].sum() * bar.n_slice * rho * bias == pytest.approx(expected, rel=1e-5)
    assert np.all(found.whole > found.half)
    with pytest.raises(ValueError, match="bias must not be zero"):
        coherence_laws.slice_densities(bar, 0.0, rho)


def test_biases_are_told_apart_by_their_digits_however_small(monkeypatch, tmp_path):
    tiny = samples(lengths=(8,), count=10, biases=(1e-9, 1.00001e-9))
    again = tiny.assign(bias=tiny["bias"] * (1 + 1e-13))
    monkeypatch.setattr(coherence_laws, "read_table", lambda name, folder: {"fig2a": tiny, "fig2b": again}[name])
    table = coherence_laws.gather(tmp_path, ["fig2a", "fig2b"])
    assert sorted(table["bias"].unique()) == [1e-9, 1.00001e-9]
    assert len(table) == 20


def test_gathering_counts_every_sample_once(monkeypatch, tmp_path):
    first = samples(lengths=(8,), count=10)
    second = first.assign(bias=first["bias"] * (1 + 1e-13))[first["bias"] > 0.1]
    tables = {"fig2a": first, "bias": second, "deep": samples(lengths=(10,), count=10)}

    def read(name, folder):
        if name not in tables:
            raise TableError(f"no table {name} in {folder}")
        return tables[name]

    monkeypatch.setattr(coherence_laws, "read_table", read)
    table = coherence_laws.gather(tmp_path)
    assert len(table) == 2 * 10 * 3
    with pytest.raises(TableError, match="no table of fig2b"):
        coherence_laws.gather(tmp_path, ["fig2b"])
