import numpy as np
import pandas as pd
import pytest

from anderson_ness.analysis import tables
from anderson_ness.theory import scaling

LEADS = {"t_parallel": 3.0, "t_perp": 1.0, "t_contact": 3.0}


def ensemble(lengths=(8, 10), disorders=(10.0, 21.0), scaled=(18.0, 24.0, 30.0), samples=40, seed=0):
    """A table whose coherence is a sample's own slope times X, plus noise, with the columns of published tables."""
    rng = np.random.default_rng(seed)
    rows = []
    for length in lengths:
        for disorder in disorders:
            for number in range(samples):
                slope = rng.gamma(4.0) / 100
                for x in scaled:
                    bias = float(scaling.bias_at(x, length))
                    coherence = slope * x + rng.normal(0, 1e-4)
                    sample = {"length": length, "disorder": disorder, "seed": 7919 * number + length, "bias": bias}
                    rows.append(sample | LEADS | {"coherence": coherence, "converged": True, "slope": slope})
    return pd.DataFrame(rows)


def test_summary_is_one_row_a_point_and_bias_with_known_numbers():
    table = ensemble()
    result = tables.summary(table)
    assert len(result) == 2 * 2 * 3
    for _, row in result.iterrows():
        own = table[
            (table.length == row.length) & (table.disorder == row.disorder) & (table.bias == row.bias)
        ].coherence
        assert (row.samples, row.unconverged, row.missing) == (40, 0, 0)
        assert row["mean"] == pytest.approx(own.mean())
        assert row.mean_error == pytest.approx(own.sem())
        assert row["median"] == pytest.approx(own.median())
        assert row.typical == pytest.approx(np.exp(np.log(own).mean()))
        assert 0.5 * row.mean_error < row.median_error < 3 * row.mean_error


def test_rows_that_did_not_converge_are_kept_and_those_without_a_value_counted():
    table = ensemble(lengths=(8,), disorders=(10.0,), scaled=(24.0,), samples=10)
    table.loc[[2, 5], "converged"] = False
    table.loc[[5, 7, 8], "coherence"] = np.nan
    (row,) = tables.summary(table).to_dict("records")
    assert (row["samples"], row["unconverged"], row["missing"]) == (7, 1, 3)
    assert row["mean"] == pytest.approx(table.coherence.mean())
    (block,) = tables.blocks(table)
    assert (block.unconverged.tolist(), block.missing.tolist()) == ([1], [3])
    assert np.isnan(block.values).sum() == 3


def test_one_sample_has_no_error_and_signs_no_typical_value():
    table = ensemble(lengths=(8,), disorders=(10.0,), scaled=(24.0,), samples=2)
    assert tables.summary(table[:1]).isna().sum(axis=1).tolist() == [6]
    table["coherence"] = [-1.0, 2.0]
    (row,) = tables.summary(table).to_dict("records")
    assert row["mean"] == 0.5
    assert np.isnan(row["typical"]) and np.isnan(row["typical_error"])


def test_nullable_integers_and_groups_of_ones_own():
    table = ensemble(samples=6, scaled=(24.0,))
    table["levels"] = pd.array([1, None] * 12, dtype="Int32")
    result = tables.summary(table, "levels", by=["disorder"])
    assert result["samples"].tolist() == [6, 6]
    assert result["missing"].tolist() == [6, 6]
    assert result["mean"].tolist() == [1, 1]


def test_blocks_keep_biases_of_a_sample_in_one_row():
    table = ensemble()
    shuffled = table.sample(frac=1, random_state=1)
    for block in tables.blocks(shuffled):
        assert block.values.shape == (40, 3)
        assert block.point["t_contact"] == 3.0
        assert np.all(np.diff(block.across) > 0)
        own = table[(table.length == block.point["length"]) & (table.disorder == block.point["disorder"])]
        for seed, row in zip(block.seeds, block.values, strict=True):
            np.testing.assert_array_equal(row, own[own.seed == seed].sort_values("bias").coherence)


def test_blocks_leave_gaps_where_a_bias_was_not_computed():
    table = ensemble(lengths=(8,), disorders=(10.0,), samples=6)
    (block,) = tables.blocks(table.drop(index=[1]))
    assert np.argwhere(np.isnan(block.values)).tolist() == [[0, 1]]
    assert block.missing.tolist() == [0, 0, 0]


def test_contacts_are_points_of_their_own_and_unknown_ones_are_not_lost():
    table = ensemble(lengths=(8,), disorders=(10.0,), samples=6)
    other = table.assign(t_contact=1.0)
    unknown = table.assign(t_contact=np.nan)
    assert len(tables.blocks(pd.concat([table, other, unknown]))) == 3
    assert tables.summary(pd.concat([table, other, unknown]))["samples"].sum() == 3 * len(table)
    without = table.drop(columns=list(LEADS))
    assert len(tables.blocks(without)) == 1


def test_the_scaled_bias_groups_sizes():
    scaled = tables.with_scaled_bias(ensemble(lengths=(8, 10, 12, 14)))
    assert sorted(scaled.scaled_bias.unique()) == [18.0, 24.0, 30.0]


def test_difference_slope_is_that_of_every_sample():
    table = ensemble()
    slopes = tables.difference_slope(table)
    assert len(slopes) == 2 * 2 * 40
    both = slopes.merge(
        table[table.bias == table.groupby("length").bias.transform("min")], on=["length", "disorder", "seed"]
    )
    # Noise of 1e-4 at either end over a distance of 12.
    np.testing.assert_allclose(both.slope_x, both.slope_y, atol=5 * 1e-4 * np.sqrt(2) / 12)
    assert slopes.converged.all()
    # Its mean and error are those of the samples: shared fluctuations of C(30) and C(18) do not count twice.
    summary = tables.summary(slopes, "slope", by=["length", "disorder", "scaled_bias"])
    assert summary["mean"].to_numpy() == pytest.approx(0.04, abs=4 * 0.02 / np.sqrt(40))
    np.testing.assert_allclose(summary.mean_error, slopes.groupby(["length", "disorder"]).slope.sem())


def test_difference_slope_counts_samples_that_lack_a_bias():
    table = ensemble(lengths=(8,), disorders=(10.0,), samples=10)
    at_18 = table.index[np.isclose(tables.with_scaled_bias(table).scaled_bias, 18.0)]
    table.loc[at_18[3], "converged"] = False
    slopes = tables.difference_slope(table.drop(index=at_18[:2]))
    (row,) = tables.summary(slopes, "slope", by=["length"]).to_dict("records")
    assert (row["samples"], row["unconverged"], row["missing"]) == (8, 1, 2)


def test_tables_that_cannot_be_right_are_refused():
    table = ensemble(samples=3)
    twice = pd.concat([table, table.iloc[[4]]])
    for call in (tables.summary, tables.blocks, tables.difference_slope):
        # Row 4 is at X = 24, which the difference does not use.
        if call is tables.difference_slope:
            twice = pd.concat([table, table.iloc[[5]]])
        with pytest.raises(ValueError, match="this one appears twice"):
            call(twice)
    with pytest.raises(ValueError, match="it lacks coherence"):
        tables.summary(table.drop(columns="coherence"))
    with pytest.raises(ValueError, match="it lacks seed"):
        tables.blocks(table.drop(columns="seed"))
    with pytest.raises(ValueError, match="samples at X = 9 and 15"):
        tables.difference_slope(table, centre=12.0)
