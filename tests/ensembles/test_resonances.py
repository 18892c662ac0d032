import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from anderson_ness import AndersonBar, Leads, mutual_coherence, nonequilibrium_correlations
from anderson_ness.ensembles import SpecificationError, TableError, resonances, sample_seed
from anderson_ness.ensembles.csv_table import read_csv, write_csv
from anderson_ness.theory.cavity import isolated_lines

TOY = """
root_seed = 7
scaled_bias = 2.0
[[points]]
disorder = 60.0
length = [3, 4]
samples = [3, 2]
"""


@pytest.fixture
def specification(tmp_path):
    path = tmp_path / "resonances.toml"
    path.write_text(TOY)
    return path


def run(path):
    return CliRunner().invoke(resonances.main, [str(path)], catch_exceptions=False)


def test_shares_add_up_to_the_coherence_of_the_lines():
    rng = np.random.default_rng(1)
    vectors, _ = np.linalg.qr(rng.normal(size=(24, 5)) + 1j * rng.normal(size=(24, 5)))
    left, right = rng.random((2, 5))
    shares = resonances.line_shares(left, right, vectors.reshape(4, 6, 5))
    halves = np.arange(24) < 12, np.arange(24) >= 12
    assert shares.sum() == pytest.approx(mutual_coherence(isolated_lines(left, right, vectors), *halves))
    # One level alone: (g^2/2) p_L p_R.
    single = resonances.line_shares(left[:1], right[:1], vectors[:, :1].reshape(4, 6, 1))
    weight = np.sum(np.abs(vectors[:12, 0]) ** 2)
    filling = (left[0] - right[0]) / (left[0] + right[0])
    assert single[0] == pytest.approx(filling**2 / 2 * weight * (1 - weight))


def test_levels_of_a_localized_bar_make_its_driven_part():
    bar, bias = AndersonBar.random(length=5, disorder=60.0, seed=4, leads=Leads(t_contact=0.1)), 3.0
    found = resonances.levels(bar, bias)
    G = nonequilibrium_correlations(bar, bias)
    # Every level is an isolated line: the driven density follows from fillings, centre by centre.
    filling = (found["width_left"] - found["width_right"]) / (found["width_left"] + found["width_right"])
    assert np.trace(G).real == pytest.approx(np.sum(filling) / 2, abs=0.02)
    density = np.diagonal(G).real.reshape(5, -1).sum(axis=1)
    moment = (np.arange(5) + 0.5) @ density
    assert moment == pytest.approx(np.sum(filling * found["centre"]) / 2, abs=0.05)
    assert np.all((found["left_weight"] >= 0) & (found["left_weight"] <= 1) & (found["extent"] >= 0))
    assert np.all(np.abs(found["energy"]) <= bias / 2)


def test_the_table_grows_and_keeps_what_it_has(specification):
    assert run(specification).exit_code == 0
    target = specification.with_suffix(".csv")
    first = target.read_bytes()
    assert run(specification).exit_code == 0
    assert target.read_bytes() == first
    table = resonances.read_resonances(specification.parent)
    assert set(zip(table["length"], table["seed"], strict=True)) == {
        (length, sample_seed(7, length, 60.0, i)) for length, count in ((3, 3), (4, 2)) for i in range(count)
    }
    assert table.attrs["specification"]["root_seed"] == 7

    specification.write_text(TOY.replace("[3, 2]", "[4, 2]"))
    assert run(specification).exit_code == 0
    more = resonances.read_resonances(specification.parent)
    kept = more.merge(table)
    assert len(kept) == len(table) < len(more)


def test_an_interrupted_run_keeps_its_samples_and_goes_on(specification, monkeypatch):
    whole = specification.parent / "whole.toml"
    whole.write_text(TOY)
    run(whole)
    original, calls = resonances.compute, []

    def stops(sample):
        calls.append(sample)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(sample)

    monkeypatch.setattr(resonances, "compute", stops)
    assert run(specification).exit_code != 0
    monkeypatch.setattr(resonances, "compute", original)
    part = resonances.read_resonances(specification.parent)
    assert part[["length", "seed"]].drop_duplicates().shape[0] == 2
    run(specification)
    assert specification.with_suffix(".csv").read_bytes() == whole.with_suffix(".csv").read_bytes()


def test_a_sample_without_a_level_has_one_row(specification):
    rows = resonances.compute((3, 60.0, 1e-9, 1))
    assert len(rows) == 1
    assert rows["energy"].isna().all()
    assert tuple(rows[list(resonances.SAMPLE)].iloc[0]) == (3, 60.0, 1e-9, 1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TOY.replace("root_seed = 7", ""), "root_seed must be"),
        (TOY.replace("[3, 2]", "[3]"), "one number for each length"),
        (TOY.replace("samples", "number"), "disorder, length and samples"),
        ("root_seed = 1", "points must hold"),
        ("root_seed = ", "is not TOML"),
    ],
)
def test_a_bad_specification_gets_one_clear_sentence(specification, text, sentence):
    specification.write_text(text)
    result = CliRunner().invoke(resonances.main, [str(specification)])
    assert result.exit_code == 1
    assert sentence in result.output
    assert issubclass(SpecificationError, ValueError)


def test_a_table_is_read_back_or_refused(tmp_path):
    path = tmp_path / "one.csv"
    write_csv(path, {"a": [1]}, pd.DataFrame({"x": [0.1, 1e-30], "y": [1, 2]}))
    table = read_csv(path, ["x", "y"])
    np.testing.assert_array_equal(table["x"], [0.1, 1e-30])
    assert table.attrs["specification"] == {"a": [1]}
    with pytest.raises(TableError, match="must have the columns x, z"):
        read_csv(path, ["x", "z"])
    with pytest.raises(TableError, match="cannot be read"):
        read_csv(tmp_path / "none.csv", ["x"])
    path.write_text("x,y\n1,2\n")
    with pytest.raises(TableError, match="is damaged"):
        read_csv(path, ["x", "y"])
