import subprocess
import sys

import pytest

import anderson_ness

WITHOUT_KWANT = """
import sys
sys.modules["kwant"] = None
from anderson_ness import AndersonBar, scattering_states, window_coherence
bar = AndersonBar.random(3, disorder=5.0, seed=1)
"""


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_import_takes_less_than_a_second():
    # Processor time, which other processes on the machine do not lengthen.
    code = "import time; start = time.process_time(); import anderson_ness; print(time.process_time() - start)"
    assert min(float(run(code).stdout) for _ in range(3)) < 1


@pytest.mark.parametrize("module", ["kwant", "tinyarray", "matplotlib", "scipy.sparse.linalg", "pandas", "dask"])
def test_import_does_not_load_what_most_calls_do_without(module):
    result = run(f"import sys, anderson_ness; print({module!r} in sys.modules)")
    assert result.stdout.strip() == "False"


def test_without_kwant_the_sweep_and_its_integrals_work():
    result = run(
        WITHOUT_KWANT + "scattering_states(bar, 0.1); print(window_coherence(bar, 0.3, method='quadrature').converged)"
    )
    assert (result.returncode, result.stdout.strip()) == (0, "True"), result.stderr


@pytest.mark.parametrize(
    "call",
    [
        "scattering_states(bar, 0.1, method='kwant')",
        "window_coherence(bar, 0.3, method='quadrature', states='kwant')",
        "bar.to_kwant()",
    ],
)
def test_without_kwant_its_users_are_told_in_one_sentence(call):
    result = run(WITHOUT_KWANT + call)
    assert result.returncode == 1
    sentence = "Kwant is not installed: install this package with its extra, anderson-ness[kwant]"
    assert result.stderr.splitlines()[-1] == f"ModuleNotFoundError: {sentence}"


def test_public_names_exist():
    for name in anderson_ness.__all__:
        assert hasattr(anderson_ness, name)
