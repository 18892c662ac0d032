import field_tables as fields
import numpy as np
import pandas as pd
import pytest

from anderson_ness.analysis import coherence_field, rates
from anderson_ness.theory import diffuson


@pytest.fixture(scope="module")
def table():
    parts = [fields.rows_of(kind, length, 10.0) for kind in ("energy", "window") for length in (8, 10, 12)]
    return fields.table_of(*parts, fields.rows_of("energy", 14, 10.0, samples=3))


def test_the_medium_is_found_from_profile_and_transmission(table):
    found = coherence_field.medium(coherence_field.select(table, "energy", 10.0, 10))
    assert (found.length, found.samples) == (10, 20)
    assert found.density == pytest.approx(fields.RHO)
    assert found.extrapolation == pytest.approx(fields.EXTRAPOLATION)
    assert found.diffusion == pytest.approx(fields.D)


def test_points_with_few_samples_are_left_out(table):
    assert coherence_field.lengths(table, "energy", 10.0) == [8, 10, 12]
    assert coherence_field.lengths(table, "energy", 10.0, fewest=3) == [8, 10, 12, 14]
    assert coherence_field.lengths(table, "energy", 21.0) == []


@pytest.mark.parametrize("kind", ["energy", "window"])
def test_a_diffusive_field_is_predicted_without_a_parameter(table, kind):
    rows = coherence_field.select(table, kind, 10.0, 12)
    energy = coherence_field.select(table, "energy", 10.0, 12)
    model = coherence_field.predicted(coherence_field.medium(energy), kind)
    np.testing.assert_allclose(coherence_field.radial(rows).value, model["radial"], rtol=1e-10)
    ratio = coherence_field.coherence_ratio(energy, rows if kind == "window" else None)
    assert ratio.value == pytest.approx(1, rel=1e-10) and 0.015 < ratio.error < 0.035
    values, errors = coherence_field.planes(rows)
    np.testing.assert_allclose(values, model["planes"].reshape(12, 6)[:6], rtol=1e-10)
    assert np.all((errors > 0.015 * values) & (errors < 0.035 * values))
    field = coherence_field.slice_map(rows)
    np.testing.assert_allclose(field[2, 5], model["slices"][coherence_field_index(12, 2, 5)], rtol=1e-10)
    assert np.allclose(field, field.T) and np.allclose(field, field[::-1, ::-1])


def coherence_field_index(length, i, j):
    return list(zip(*np.triu_indices(length), strict=True)).index((i, j))


def test_half_widths_scale_as_the_thouless_energy(table):
    rng = np.random.default_rng(3)
    noisy = table.copy()
    noisy["correlation"] = [
        one * (1 + 0.1 * rng.standard_normal(16)) if len(one) else one for one in table["correlation"]
    ]
    widths, law = coherence_field.thouless_law(noisy, 10.0)
    assert list(widths["length"]) == [8, 10, 12]
    # The extrapolation length makes small bars a little longer than they are.
    assert law.values["length"] == pytest.approx(-2, abs=0.15 + 3 * law.errors["length"])
    medium = fields.medium_of(10)
    f = coherence_field.predicted_correlation(medium, widths["width"].to_numpy()[1:2])
    assert f[0] == pytest.approx(0.5, abs=0.05)


def test_where_f_crosses_one_half():
    assert coherence_field.half_crossing(np.array([0, 1, 3]), np.array([1, 0.8, 0.2])) == pytest.approx(2)
    assert np.isnan(coherence_field.half_crossing(np.array([0, 1]), np.array([1, 0.8])))


def test_powers_and_ranges_are_read_off():
    r = np.arange(9.0)
    with np.errstate(divide="ignore"):
        assert coherence_field.decay_exponent(r**-1.7) == pytest.approx(1.7)
    assert coherence_field.decay_length(np.exp(-r / 1.3)) == pytest.approx(1.3)


def test_the_window_is_the_integral_of_the_correlations(table):
    # A quickly decaying correlation: here the last difference counts as the end.
    length = 8
    bias = 24 * 16.5 / length**3
    unit = coherence_field.ENERGY_UNIT / length**3
    difference = coherence_field.DIFFERENCES * unit
    S = np.where(coherence_field.DIFFERENCES < 10, 2.0, 0.0)
    energy = fields.table_of(fields.rows_of("energy", length, 10.0, correlation=S))
    window = fields.table_of(
        fields.rows_of("window", length, 10.0, coherence=np.trapezoid((bias - difference) * S, difference))
    )
    found = coherence_field.identity(energy, window)
    assert found.value == pytest.approx(1, rel=1e-10) and 0.02 < found.error < 0.05


def test_levels_count_by_their_coherence():
    levels = pd.DataFrame({"width_left": [1e-6, 1e-4, 1e-2, 1.0, 2.0], "left_weight": [1.0, 0.5, 0.3, 1.0, 1.0]})
    levels = levels.assign(length=8, disorder=30.0, bias=0.1, seed=np.arange(5), energy=0.0, centre=4.0, extent=1.0)
    levels = levels.assign(width_right=1e-3 * levels["width_left"])
    found = coherence_field.level_widths(rates.with_rates(levels), 30.0)
    assert found["width"][0] == pytest.approx(1.001e-4) and found["samples"][0] == 5
    assert found["log_error"][0] > 0


def test_a_flat_profile_is_refused(table):
    rows = coherence_field.select(table, "energy", 10.0, 8).copy()
    rows["density"] = [np.zeros(8)] * len(rows)
    with pytest.raises(ValueError, match="density that falls"):
        coherence_field.medium(rows)


def test_the_kernels_are_those_of_the_theory():
    medium = fields.medium_of(8)
    value = np.array([0.3])
    expected = diffuson.at_difference(0.2 / medium.diffusion)(value)
    np.testing.assert_allclose(coherence_field.kernel(medium, "energy", 0.2)(value), expected)
