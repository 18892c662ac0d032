import kwant
import numpy as np
import pytest
from scipy.optimize import curve_fit

from anderson_ness.theory.cavity import (
    LEADS,
    Cavity,
    incoming_amplitude,
    isolated_lines,
    line_transmission,
    printed_half_width,
    resonant_solution,
)

ONSITE = 3.0 * (np.random.default_rng(5).random(7) - 0.5)
CAVITIES = {
    "Fabry-Perot": (np.zeros(6), Cavity.fabry_perot(6, 0.4, 0.7, hopping=0.8)),
    "disordered": (ONSITE, Cavity.chain(ONSITE, 0.4, 0.7, hopping=0.8)),
    "one site": (np.array([0.3]), Cavity.chain([0.3], 0.4, 0.7, hopping=0.8)),
    "negative": (ONSITE, Cavity.chain(ONSITE, -0.4, 0.7, hopping=-0.8)),
}


def in_band(cavity):
    return np.flatnonzero(np.abs(cavity.levels) < 1.9)


def tuned(k, t_left, t_right, n=1):
    level = Cavity.chain(np.zeros(4), t_left, t_right, 0.9).levels[n]
    return Cavity.chain(np.full(4, 2 * np.cos(k) - level), t_left, t_right, 0.9)


def kwant_chain(onsite, t_left, t_right, hopping):
    lattice = kwant.lattice.chain(norbs=1)
    system, n = kwant.Builder(), len(onsite)
    for x, potential in enumerate([0, *onsite, 0]):
        system[lattice(x)] = potential
    for x, bond in enumerate([t_left, *[hopping] * (n - 1), t_right]):
        system[lattice(x), lattice(x + 1)] = bond
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1,)))
    lead[lattice(0)] = 0
    lead[lattice(0), lattice(1)] = 1
    system.attach_lead(lead)
    system.attach_lead(lead.reversed())
    return system.finalized()


@pytest.mark.parametrize("name", CAVITIES)
def test_states_are_kwants_on_and_off_resonance(name):
    onsite, cavity = CAVITIES[name]
    hopping = -0.8 if name == "negative" else 0.8
    system = kwant_chain(onsite, cavity.t_left, cavity.t_right, hopping)
    place = np.argsort([site.tag[0] for site in system.sites])
    for energy in [-1.3, 0.05, 1.7, *cavity.levels[in_band(cavity)]]:
        wave_function = kwant.wave_function(system, energy)
        for lead, states in enumerate(cavity.scattering_states(energy)):
            theirs = wave_function(lead)[0, place] / np.sqrt(2 * np.pi)
            amplitudes = cavity.amplitudes(energy, LEADS[lead])
            ends = np.array([amplitudes.left, amplitudes.right]) / np.sqrt(2 * np.pi * np.sqrt(4 - energy**2))
            ours = np.concatenate([[ends[0]], states, [ends[1]]])
            np.testing.assert_allclose(
                np.outer(ours, ours.conj()), np.outer(theirs, theirs.conj()), atol=1e-11 * np.linalg.norm(ours) ** 2
            )
        assert cavity.transmission(energy) == pytest.approx(kwant.smatrix(system, energy).transmission(1, 0), rel=1e-9)


@pytest.mark.parametrize("name", CAVITIES)
def test_schroedingers_equation_holds(name):
    cavity = CAVITIES[name][1]
    energy = np.array([-0.7, 0.2, *cavity.levels[in_band(cavity)]])
    k = np.arccos(energy / 2)
    for lead in LEADS:
        left, right, modes = cavity.amplitudes(energy, lead)
        # The wave leaves as e^{-ik} times the end's amplitude; the one that comes in adds 2i sin k (S19 to S21).
        beyond_left = np.exp(-1j * k) * left + 2j * np.sin(k) * (lead == "left")
        beyond_right = np.exp(-1j * k) * right + 2j * np.sin(k) * (lead == "right")
        at_left, at_right = cavity.couplings
        size = np.abs(modes).max()
        np.testing.assert_allclose(energy * left, beyond_left + modes @ at_left, atol=1e-13 * size)
        np.testing.assert_allclose(energy * right, beyond_right + modes @ at_right, atol=1e-13 * size)
        np.testing.assert_allclose(
            (energy[:, None] - cavity.levels) * modes,
            np.outer(left, at_left) + np.outer(right, at_right),
            atol=1e-13 * size,
        )


def test_probability_is_conserved():
    cavity = CAVITIES["disordered"][1]
    energies = np.linspace(-1.95, 1.95, 41)
    state = cavity.amplitudes(energies, "left")
    np.testing.assert_allclose(np.abs(state.left - 1) ** 2 + np.abs(state.right) ** 2, 1, atol=1e-12)
    np.testing.assert_allclose(state.right, cavity.amplitudes(energies, "right").left, atol=1e-12)  # reciprocity


def test_fabry_perot_is_the_uniform_chain():
    closed, diagonalised = Cavity.fabry_perot(5, 0.3, 0.2, 0.7), Cavity.chain(np.zeros(5), 0.3, 0.2, 0.7)
    np.testing.assert_allclose(np.sort(closed.levels), diagonalised.levels, atol=1e-14)
    energies = np.linspace(-1.9, 1.9, 7)
    np.testing.assert_allclose(closed.transmission(energies), diagonalised.transmission(energies), atol=1e-13)
    np.testing.assert_allclose(Cavity.fabry_perot(5, 1.0, 1.0).transmission(energies), 1, atol=1e-12)  # no mirrors


@pytest.mark.parametrize("name", CAVITIES)
def test_closed_form_on_resonance(name):
    cavity = CAVITIES[name][1]
    for n in in_band(cavity):
        state = resonant_solution(cavity, n)
        incoming = incoming_amplitude(cavity, cavity.levels[n], state)
        exact = cavity.amplitudes(cavity.levels[n], "right")
        assert exact.left == pytest.approx(1 / incoming, abs=1e-12)
        assert exact.right == pytest.approx(state.right / incoming, abs=1e-12)
        np.testing.assert_allclose(exact.modes, state.modes / incoming, atol=1e-12 * np.abs(exact.modes).max())


@pytest.mark.parametrize("k", [0.5, 0.92, 2.2])
def test_lineshape_becomes_exact_for_weak_mirrors_and_the_printed_one_does_not(k):
    errors = {False: [], True: []}
    for t in (0.1, 0.01):
        cavity = tuned(k, t, 1.5 * t)
        energies = cavity.positions[1] + cavity.half_widths[1] * np.linspace(-5, 5, 201)
        for printed, found in errors.items():
            found.append(np.abs(line_transmission(cavity, 1, energies, printed) - cavity.transmission(energies)).max())
    assert errors[False][1] < 2e-4 and errors[False][1] < 0.02 * errors[False][0]
    assert min(errors[True]) > 0.1


@pytest.mark.parametrize("k", [0.5, 1.2, 2.4])
def test_position_and_width_of_lines(k):
    cavity = tuned(k, 0.01, 0.015)
    A = cavity.strengths[1]
    offsets = np.linspace(-4, 4, 301)
    exact = cavity.transmission(cavity.levels[1] + A * offsets)
    (_, centre, half_width), _ = curve_fit(
        lambda x, h, c, g: h / (1 + ((x - c) / g) ** 2), offsets, exact, p0=(1, 0, 0.5)
    )
    assert A * abs(half_width) == pytest.approx(cavity.half_widths[1], rel=2e-3)
    assert A * centre == pytest.approx(cavity.positions[1] - cavity.levels[1], abs=2e-3 * A)
    assert printed_half_width(cavity)[1] == pytest.approx(np.sin(k) * cavity.half_widths[1])


def test_window_integrals_do_not_depend_on_nodes_and_are_complete():
    weak = Cavity.fabry_perot(4, 1e-3, 2e-3, 0.9)
    few, many = weak.window_states(-1.5, 1.2), weak.window_states(-1.5, 1.2, n_nodes=300)
    np.testing.assert_allclose(few, many, atol=1e-9)
    energies, weights = weak.window_nodes(-1.5, 1.2)
    assert energies.min() > -1.5 and energies.max() < 1.2
    assert weights @ energies**2 == pytest.approx((1.2**3 + 1.5**3) / 3, rel=1e-10)
    # No bound states: the states of both leads are a basis.
    left, right = Cavity.fabry_perot(4, 0.5, 0.6, 0.7).window_states(-2, 2, n_nodes=600)
    np.testing.assert_allclose(left + right, np.eye(4), atol=2e-3)


def test_isolated_lines_are_the_driven_part_of_weak_cavities():
    cavity = Cavity.chain(ONSITE, 1e-4, 2e-4, 0.5)
    left, right = cavity.window_states(-1.9, 1.9)
    inside = np.abs(cavity.levels) < 1.9
    rates = [coupling[inside] ** 2 for coupling in cavity.couplings]
    lines = isolated_lines(*rates, cavity.modes[:, inside])
    np.testing.assert_allclose(lines, (left - right) / 2, atol=1e-5)


@pytest.mark.parametrize("ratio, source, coherence", [(1, 4, 2), (2, 2, 0)])
def test_powers_of_the_mirrors_for_two_sites(ratio, source, coherence):
    """S29 to S31 for one lead's states, and what equal mirrors change in the source and the driven part."""
    values = []
    for t in (1e-3, 1e-2):
        cavity = Cavity.chain(np.zeros(2), ratio * t, t, 0.9)
        window = cavity.levels[0] - 0.45, cavity.levels[0] + 0.45
        nodes, weights = cavity.window_nodes(*window)
        state = cavity.scattering_states(nodes)[1]
        at_level = cavity.scattering_states(cavity.levels[0])[1]
        left, right = cavity.window_states(*window)
        J = 2 * (state[:, 0].conj() * state[:, 1]).imag
        gradient = (np.abs(state) ** 2) @ [1, -1]
        values.append(
            [
                abs((at_level[0].conj() * at_level[1]).imag),
                abs(np.abs(at_level) ** 2 @ [1, -1]),
                abs(at_level[0] * at_level[1]),
                abs(weights @ J),
                abs(weights @ (J * gradient)),
                abs(right[0, 1]),
                abs((left - right)[0, 1]),
            ]
        )
    powers = np.log10(np.divide(values[1], values[0]))
    np.testing.assert_allclose(powers, [0, 0, -2, 2, source, 0, coherence], atol=0.03)


@pytest.mark.parametrize("t_left, t_right", [(0.0, 1.0), (1.0, np.nan), (np.inf, 1.0)])
def test_couplings_are_checked(t_left, t_right):
    with pytest.raises(ValueError, match=r"t_(left|right) must be"):
        Cavity.fabry_perot(3, t_left, t_right)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: Cavity(np.zeros(2), np.ones((2, 2)), 1, 1), "orthonormal"),
        (lambda: Cavity(np.zeros(2), np.eye(3), 1, 1), "modes must have shape"),
        (lambda: Cavity.chain(np.zeros((2, 2)), 1, 1), "onsite"),
        (lambda: Cavity.chain([0.0, 0.0], 1, 1, hopping=0.0), "hopping"),
        (lambda: Cavity.fabry_perot(0, 1, 1), "length"),
        (lambda: Cavity.fabry_perot(3, 1, 1).transmission(2.0), "energy"),
        (lambda: Cavity.fabry_perot(3, 1, 1).amplitudes(0.0, "top"), "lead"),
        (lambda: Cavity.fabry_perot(3, 1, 1).window_nodes(1.0, 0.0), "start and stop"),
        (lambda: isolated_lines([1.0], [1.0, 2.0], np.eye(2)), "left, right"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
