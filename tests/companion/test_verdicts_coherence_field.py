import field_tables as fields
import numpy as np
import pytest

from anderson_ness.companion.verdicts import coherence_field as verdicts
from anderson_ness.companion.verdicts.finding import DISAGREES, IN_A_REGIME, NOT_RESOLVED, REPRODUCED
from anderson_ness.companion.verdicts.shortage import NotEnoughData
from anderson_ness.ensembles.coherence_field import DIFFERENCES


def written(folder, *parts):
    fields.write(folder, fields.table_of(*parts))
    return folder


def lorentzian(length, width, spread=0.02):
    """Rows whose f is a Lorentzian of half width ``width/length^3``, noise aside."""
    rows = fields.rows_of("energy", length, 16.5)
    rng = np.random.default_rng(length)
    for row in rows:
        row["correlation"] = (1 + spread * rng.standard_normal(16)) / (1 + (8 * DIFFERENCES / width) ** 2)
    return rows


def radials(length, disorder, function, spread=0.05):
    rows = fields.rows_of("window", length, disorder)
    rng = np.random.default_rng(length)
    r = np.maximum(np.arange(length // 2 + 1.0), 0.5)
    for row in rows:
        row["radial"] = function(r) * (1 + spread * rng.standard_normal(len(r)))
    return rows


def test_diffusion_is_reproduced(tmp_path):
    data = written(tmp_path, *(fields.rows_of("energy", length, 10.0) for length in (8, 12)))
    found = verdicts.field_diffusive(data)
    assert found.verdict == IN_A_REGIME and abs(found.value) < 1e-6


def test_a_flat_field_is_not_diffusive(tmp_path):
    rows = fields.rows_of("energy", 12, 10.0, radial=np.ones(7))
    assert verdicts.field_diffusive(written(tmp_path, rows)).verdict == DISAGREES


@pytest.mark.parametrize(("power", "verdict"), [(1.7, DISAGREES), (None, REPRODUCED)])
def test_a_power_law_is_no_logarithm(tmp_path, power, verdict):
    def function(r):
        return r**-power if power else np.maximum(verdicts._logarithm(8), 1e-9)

    found = verdicts.field_critical(written(tmp_path, radials(8, 16.5, function, 0.01)))
    assert found.verdict == verdict


def test_a_range_that_grows_with_the_bar_is_not_localized(tmp_path):
    fixed = written(tmp_path, *(radials(length, 30.0, lambda r: np.exp(-r)) for length in (8, 12)))
    assert verdicts.field_localized(fixed).verdict == REPRODUCED
    growing = written(tmp_path, *(radials(length, 30.0, lambda r, n=length: np.exp(-6 * r / n)) for length in (8, 12)))
    found = verdicts.field_localized(growing)
    assert found.verdict == DISAGREES and found.value == pytest.approx(1, abs=0.2)


def test_thouless_exponents_follow_from_widths(tmp_path):
    data = written(tmp_path, *(lorentzian(length, 30.0) for length in (8, 10, 12)))
    found = verdicts.thouless_critical(data)
    assert found.verdict == REPRODUCED and found.value == pytest.approx(3, abs=0.2)
    squares = written(tmp_path, *(lorentzian(length, 4.0 * length) for length in (8, 10, 12)))
    found = verdicts.thouless_critical(squares)
    assert found.verdict == DISAGREES and found.value == pytest.approx(2, abs=0.2)
    vague = written(tmp_path, *(lorentzian(length, 30.0, 1.5) for length in (8, 10)))
    assert verdicts.thouless_critical(vague).verdict == NOT_RESOLVED


def test_few_samples_are_said_to_be_too_few(tmp_path):
    data = written(tmp_path, fields.rows_of("energy", 8, 10.0, samples=3))
    for name in ("field_identity", "field_diffusive", "field_critical", "field_localized", "thouless_diffusive"):
        with pytest.raises(NotEnoughData, match="coherence_field"):
            getattr(verdicts, name)(data)
