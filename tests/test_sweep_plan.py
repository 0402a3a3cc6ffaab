"""Plans of sweeps: their text, their blocks, what differs between two."""

import itertools
import json
import math

import numpy as np
import pytest
import toy_sweep as toy
from hypothesis import given, settings
from hypothesis import strategies as st

from hh_sde.sweeps.coordinates import Coordinate
from hh_sde.sweeps.plan import Plan
from hh_sde.sweeps.sizes import blocks_of, measured


def test_a_plan_is_one_text():
    odd = np.array([0.1, -0.0, 1 / 3, 5e-324, 1.7976931348623157e308])
    plan = toy.plan(5).replace(coordinates=(Coordinate("sigma", ("sigma",), odd),))
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert again.to_json() == plan.to_json()
    assert again.coordinates[0].values.tobytes() == odd.tobytes()
    column = Coordinate("g", ("sample",), np.random.default_rng(1).random(5000))
    many = Plan("{}", {"sample": 5000}, (column,))
    assert Plan.from_json(many.to_json()) == many


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arguments": {"dt": 0.02}}, "argument dt is 0.02, not 0.01"),
        ({"arguments": {"method": "heun"}}, "argument method is 'heun', where there was none"),
        ({"seed": {"rng_entropy": "2"}}, "seed rng_entropy is '2', not '1'"),
        ({"network": '{"cell": {"g_Na": 90.0}, "n": 2}'}, "network cell.g_Na is 90.0, not 120.0"),
        ({"common_noise": True}, "common_noise is True, not False"),
        ({"sizes": {"sigma": 3, "trial": 9}}, "trial has 9 cells, not 10"),
        (
            {"sizes": {"trial": 10}, "coordinates": (), "blocks": {}},
            "the dims are trial, not sigma",
        ),
        ({"blocks": {"sigma": 1, "trial": 4}}, "blocks are {'sigma': 1, 'trial': 4}, not"),
    ],
)
def test_a_difference_is_named(changes, words):
    plan = toy.plan()
    arguments = {**plan.arguments, **changes.pop("arguments", {})}
    other = plan.replace(arguments=arguments, **changes)
    assert words in other.difference(plan)
    assert words in other.difference(plan, may_grow=True)
    with pytest.raises(ValueError, match=words.split("{")[0]):
        other.grown_from(plan)
    assert not plan.replace(versions={"numpy": "0"}).difference(plan)


def test_coordinates_differ_by_their_bits():
    plan = toy.plan()
    sigma, kind = plan.coordinates
    for changed in (
        Coordinate("sigma", ("sigma",), np.nextafter(sigma.values, 9.0)),
        Coordinate("sigma", ("sigma",), sigma.values, {"units": "mV"}),
        Coordinate("sigma", ("sigma",), np.array([1, 2, 3])),
    ):
        assert "sigma" in plan.replace(coordinates=(changed, kind)).difference(plan)
    assert "kind is no coordinate here" in plan.replace(coordinates=(sigma,)).difference(plan)


def test_more_trials_and_a_longer_axis_extend():
    plan = toy.plan()
    larger = toy.plan(5, 14, blocks=None)
    assert "trial has 14 cells, not 10" in larger.difference(plan)
    grown = larger.grown_from(plan)
    assert (grown.blocks, grown.grown, grown.grid) == (plan.blocks, ((2, 3),), (3, 4))
    for block in plan.tasks():
        assert grown.number(block) == plan.number(block)
    sigma, kind = larger.coordinates
    other = Coordinate("sigma", ("sigma",), sigma.values[::-1], sigma.attrs)
    with pytest.raises(ValueError, match="sigma is"):
        larger.replace(coordinates=(other, kind)).grown_from(plan)
    with pytest.raises(ValueError, match="sigma has 3 cells, not 5"):
        plan.grown_from(grown)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=4))
def test_blocks_keep_their_numbers_whatever_grows(steps):
    grids = list(itertools.accumulate(steps, lambda a, b: tuple(map(sum, zip(a, b, strict=True)))))
    grids = [tuple(n + 1 for n in grid) for grid in grids]
    numbers = {}
    for k, grid in enumerate(grids):
        sizes = dict(zip("abc", grid, strict=True))
        plan = Plan("{}", sizes, blocks=dict.fromkeys("abc", 1), grown=tuple(grids[:k]))
        found = {block: plan.number(block) for block in plan.tasks()}
        assert sorted(found.values()) == list(range(math.prod(grid)))
        assert numbers.items() <= found.items()
        numbers = found


def test_regions_cover_every_cell_once():
    plan = toy.plan(5, 11)
    seen = np.zeros((5, 11), int)
    for block in plan.tasks():
        seen[tuple(slice(*span) for span in plan.region(block).values())] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": {"../x": 3}}, {"sizes": {"a": 0}}, {"sizes": {"a": 2**60}}, {"sizes": 3},
        {"network": "{"}, {"common_noise": 1}, {"schema_version": 99}, {"blocks": [["b", 1]]},
        {"arguments": [1]}, {"coordinates": [{"name": "os.path"}]}, {"grown": [[9, 9]]},
        {"coordinates": [{"name": "x", "dims": ["sigma"], "values": {"type": "Cell"}}]},
        {"coordinates": [{"name": "x", "dims": ["sigma"], "values": {"text": [1, 2, 3]}}]},
        {"unknown": 1},
    ],
)  # fmt: skip
def test_a_text_that_is_no_plan_is_refused(change):
    tree = json.loads(toy.plan().to_json())
    with pytest.raises(ValueError, match="not the plan of a sweep"):
        Plan.from_json(json.dumps({**tree, **change}))
    for text in ("", "[]", "1", "[" * 10000, json.dumps(tree)[:-9]):
        with pytest.raises(ValueError, match="not the plan of a sweep"):
            Plan.from_json(text)


@settings(deadline=None, derandomize=True)
@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=4),
    st.integers(1, 10**6),
    st.booleans(),
)
def test_blocks_are_no_larger_than_asked(sizes, cells, alone):
    given = {f"d{k}": n for k, n in enumerate(sizes)}
    blocks = blocks_of(given, cells, ("d0",) if alone else ())
    assert list(blocks) == list(given)
    assert all(1 <= blocks[dim] <= size for dim, size in given.items())
    assert math.prod(blocks.values()) <= cells
    assert not alone or blocks["d0"] == 1


@pytest.mark.parametrize(("cost", "expected"), [(1e-3, 3000), (0.1, 30), (100.0, 1)])
def test_tasks_take_what_is_aimed_at(cost, expected):
    plan = Plan("{}", {"sample": 10**6, "trial": 7})

    def run(region):
        cells = math.prod(stop - start for start, stop in region.values())
        return toy.compute(toy.plan(), {"sigma": (0, 1), "trial": (0, 1)}), cost * cells

    blocks, _ = measured(plan, run, 2)
    assert expected / 2 <= math.prod(blocks.values()) <= expected


def test_tasks_of_long_cells_fill_the_lanes():
    """A cell alone takes as long as 64 beside each other: by its time a task would have 30."""
    plan = Plan("{}", {"sample": 10**6})

    def run(region):
        cells = math.prod(stop - start for start, stop in region.values())
        seconds = 0.1 * math.ceil(cells / 64)
        return toy.compute(toy.plan(), {"sigma": (0, 1), "trial": (0, 1)}), seconds

    blocks, _ = measured(plan, run, 2)
    assert 1000 < blocks["sample"] <= 30 * 64 + 8


@pytest.mark.parametrize(("shared", "expected"), [(True, 8), (False, 1)])
@pytest.mark.parametrize("cost", [0.5, 5.0, 20.0, 60.0])
def test_tasks_of_very_long_cells_fill_the_lanes_where_these_are_shared(cost, shared, expected):
    """With no more than a cell each, seven of eight lanes would stay empty through the sweep."""
    plan = Plan("{}", {"sample": 10, "trial": 400})

    def run(region):
        cells = math.prod(stop - start for start, stop in region.values())
        seconds = cost * (math.ceil(cells / 8) if shared else cells)
        return toy.compute(toy.plan(), {"sigma": (0, 1), "trial": (0, 1)}), seconds

    blocks, _ = measured(plan, run, 2)
    aimed = max(1, int(3.0 / cost))
    assert expected <= math.prod(blocks.values()) <= expected * aimed


def test_short_cells_are_measured_by_few_and_leave_no_crumbs():
    """What is computed to find the size is computed again; a call alone takes a while."""
    plan = Plan("{}", {"sample": 10_000})
    made = []

    def run(region):
        made.append(math.prod(stop - start for start, stop in region.values()))
        seconds = 0.017 + 1.1e-4 * made[-1]
        return toy.compute(toy.plan(), {"sigma": (0, 1), "trial": (0, 1)}), seconds

    blocks, _ = measured(plan, run, 1)
    assert sum(made) < 600
    assert len(made) == 3
    assert 10_000 % blocks["sample"] > 1000


@pytest.mark.parametrize(("workers", "expected"), [(2, 8), (4, 4), (8, 2), (16, 1)])
def test_tasks_of_very_long_cells_leave_no_worker_idle(workers, expected):
    """Sixteen cells in tasks of eight would be done by two workers alone."""
    plan = Plan("{}", {"sample": 2, "trial": 8})
    made = []

    def run(region):
        made.append(math.prod(stop - start for start, stop in region.values()))
        return toy.compute(toy.plan(), {"sigma": (0, 1), "trial": (0, 1)}), 20.0

    blocks, _ = measured(plan, run, workers)
    assert math.prod(blocks.values()) == expected
    assert max(made) <= expected  # nor is more computed to find that
