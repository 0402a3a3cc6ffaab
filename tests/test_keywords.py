"""Names that are not known bring up those that are meant."""

import dataclasses
import inspect
import subprocess
import sys

import pytest
import xarray as xr

import hh_sde as hh
from hh_sde.accessor import HHAccessor
from hh_sde.records import Record

NET = hh.Network(1)
RECORDS = {
    name: kind
    for name, kind in Record.kinds.items()
    if dataclasses.is_dataclass(kind) and kind.__module__.startswith("hh_sde")
}

CALLS = {
    "an argument of Network": (
        lambda: hh.Network(2, cel="hodgkin_huxley"),
        "Network has no parameter 'cel'; it has n_neurons, cell, synapses, stimulus, noise, "
        "weights, populations; did you mean cell?",
    ),
    "the seed": (lambda: hh.solve(NET, 5.0, seed=1), "solve has no parameter 'seed'"),
    "of solve": (lambda: hh.solve(NET, 5.0, seed=1), "did you mean rng?"),
    "trials of solve": (lambda: hh.solve(NET, 5.0, n_trials=3), "did you mean trials?"),
    "a typo of solve": (lambda: hh.solve(NET, 5.0, save_td=3), "did you mean save_dt?"),
    "the seed of a study": (
        lambda: hh.studies.noise_sweep(NET, seed=1),
        "noise_sweep has no parameter 'seed'; it has net, sigmas, ",
    ),
    "trials of a study": (
        lambda: hh.studies.noise_sweep(NET, n_trials=1),
        "did you mean trials?",
    ),
    "a parameter of the cell": (
        lambda: hh.Network(1, g_K=30),
        'g_K is of the cell: cell=hh_sde.CELLS["hodgkin_huxley"](g_K=30)',
    ),
    "a parameter of a cell that is given": (
        lambda: hh.Network(1, cell=hh.CELLS["morris_lecar"], g_Ca=4.0),
        'cell=hh_sde.CELLS["morris_lecar"](g_Ca=4.0)',
    ),
    "dt by position": (
        lambda: hh.solve(NET, 100, 0.01),
        "solve takes model, t_end by position, and the rest by keyword: dt=0.01",
    ),
    "no end": (
        lambda: hh.solve(NET),
        "solve() missing 1 required positional argument: 't_end'; call it as solve(model, t_end)",
    ),
    "no weights": (lambda: hh.Synapse.sigmoidal(), "call it as Synapse.sigmoidal(weights)"),
    "no window": (lambda: xr.Dataset().hh.fano_factor(), "call it as fano_factor(window)"),
    "an SDE": (
        lambda: hh.SDE(f=abs, G=abs, y0=[1.0]),
        "SDE has no parameter 'y0'; it has f, G, x0,",
    ),
    "what area groups were called": (
        lambda: hh.BrownianPath(1, m=2, dt=0.1, blocks=[0, 1]),
        "did you mean area_groups?",
    ),
    "a class method": (
        lambda: hh.Synapse.sigmoidal(weight=0.1),
        "Synapse.sigmoidal has no parameter 'weight'; it has weights, E, w, rate, source, target, "
        "delay; did you mean weights?",
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_unknown_keywords_bring_up_what_is_meant(call):
    make, message = CALLS[call]
    with pytest.raises(TypeError) as caught:
        make()
    assert message in str(caught.value)


def test_a_parameter_of_the_cell_given_to_replace_brings_up_the_cell():
    with pytest.raises(ValueError, match=r"g_K is of the cell: cell=net.cell\(g_K=30\)"):
        NET.replace(g_K=30)
    assert hh.Network(1, cell=NET.cell(g_K=30)).cell.parameters["g_K"] == 30.0


@pytest.mark.parametrize("kind", RECORDS.values(), ids=RECORDS)
def test_every_record_names_its_fields(kind):
    for field in dataclasses.fields(kind):
        typo = {f"{field.name}x": 1.0}
        with pytest.raises(TypeError) as caught:
            kind(**typo)
        assert f"{kind.__name__} has no parameter '{field.name}x'; it has " in str(caught.value)
        assert f"did you mean {field.name}" in str(caught.value)


PUBLIC = {
    **{f"hh.{name}": getattr(hh, name) for name in ("BrownianPath", "SpikeRule", "solve")},
    **{f"measures.{name}": getattr(hh.measures, name) for name in hh.measures.__all__},
    **{
        f"interop.{name}": getattr(hh.interop, name) for name in ("to_neo", "to_nwb", "to_pynapple")
    },
    **{f"neuroml.{name}": getattr(hh.interop.neuroml, name) for name in ("read", "write")},
    **{f"plot.{name}": draw for name, draw in hh.plot.PLOTS.items()},
    **{f"studies.{name}": study for name, study in hh.studies.STUDIES.items()},
}


@pytest.mark.parametrize("call", PUBLIC)
def test_every_public_function_brings_up_what_is_meant(call):
    given = [
        name
        for name, parameter in inspect.signature(PUBLIC[call]).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    ]
    for name in given[-1:]:
        with pytest.raises(TypeError, match=rf"{name}x'.*; did you mean {name}"):
            PUBLIC[call](None, **{f"{name}x": 1.0})


METHODS = [
    name
    for name, method in vars(HHAccessor).items()
    if inspect.isfunction(method) and not name.startswith("_")
]


@pytest.mark.parametrize("name", METHODS)
def test_methods_of_a_result_do_so_too(name):
    method = getattr(xr.Dataset().hh, name)
    assert "ds" not in inspect.signature(method).parameters
    with pytest.raises(TypeError, match=rf"^{name} has no parameter 'qqq'; it has (?!self|ds)"):
        method(qqq=1.0)


def test_plots_of_a_result_do_so_too():
    with pytest.raises(TypeError, match="'neuron'; did you mean neurons"):
        hh.solve(NET, 1.0).hh.plot.traces(neuron=0)


@pytest.mark.parametrize(
    ("owner", "name", "hint"),
    [
        ("ds.hh", "isi", "; did you mean intervals?"),
        ("ds.hh", "firing_rates", "; did you mean rates?"),
        ("ds.hh", "reliability", r": it is hh_sde.studies.reliability\(net\)"),
        ("ds.hh", "sta", ": it is the mean of ds.hh.noise"),
        ("ds.hh", "fi_curve", r": it is hh_sde.studies.rate_curve\(net\)"),
        ("ds.hh.plot", "isi", "; did you mean interval_histogram?"),
        ("hh_sde.measures", "firing_rates", "; did you mean rates?"),
        ("hh_sde.plot", "isi_histogram", "; did you mean interval_histogram?"),
        ("hh_sde.studies", "fi_curve", "; did you mean rate_curve?"),
        ("hh_sde.studies", "rate_curv", "; did you mean rate_curve?"),
    ],
)
def test_names_of_other_libraries_bring_up_ours(owner, name, hint):
    accessor = xr.Dataset().hh
    owners = {"ds.hh": accessor, "ds.hh.plot": accessor.plot, "hh_sde.measures": hh.measures,
              "hh_sde.plot": hh.plot, "hh_sde.studies": hh.studies}  # fmt: skip
    with pytest.raises(AttributeError, match=rf"^{owner} has no '{name}'{hint}"):
        getattr(owners[owner], name)


@pytest.mark.parametrize("module", ["measures", "plot", "studies"])
def test_only_public_names_are_listed(module):
    listed = dir(getattr(hh, module))
    assert listed == sorted(getattr(hh, module).__all__)
    assert not [name for name in listed if inspect.ismodule(getattr(getattr(hh, module), name))]


def test_the_spacing_of_the_noise_is_brought_up():
    with pytest.raises(TypeError, match="'dt'; it has spacing; did you mean spacing"):
        xr.Dataset().hh.noise(dt=0.1)


def test_other_wrong_calls_are_said_as_python_says_them():
    with pytest.raises(TypeError, match=r"Network lacks n_neurons: how many neurons there are"):
        hh.Network()
    with pytest.raises(TypeError, match=r"from 1 to 6 positional arguments but 7 were given"):
        hh.Network(1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("slove", "; did you mean solve?"), ("BrownPath", "; did you mean BrownianPath?")],
)
def test_an_unknown_name_of_the_module_brings_up_the_nearest(name, hint):
    with pytest.raises(AttributeError) as caught:
        getattr(hh, name)
    assert str(caught.value) == f"module 'hh_sde' has no attribute '{name}'{hint}"


def test_python_does_not_say_it_again():
    code = "import hh_sde\nhh_sde.slove"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stderr.splitlines()[-1].count("mean") == 1


def test_names_that_are_like_no_other_are_only_denied():
    with pytest.raises(AttributeError, match=r"^module 'hh_sde' has no attribute 'qqq'$"):
        hh.qqq  # noqa: B018
    assert not hasattr(hh, "__wrapped__")
