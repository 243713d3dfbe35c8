"""The dock is made of the registry; steps know no other step."""

import ast
import inspect
import sys

from napari_cropzoom.widgets.steps.base import Needs, Step
from napari_cropzoom.widgets.steps.registry import STEPS

PACKAGE = "napari_cropzoom.widgets.steps."


def test_every_step_names_itself_and_a_step_that_exists():
    keys = [step.key for step in STEPS]
    assert len(set(keys)) == len(keys)
    assert len({step.place for step in STEPS}) == len(STEPS)
    assert [step.place for step in STEPS] == sorted(step.place for step in STEPS)
    for step in STEPS:
        assert step.title
        assert step.help.endswith(".")
        assert step.next_key in ("", *keys)


def test_no_step_imports_another():
    modules = {step.__module__ for step in STEPS}
    for step in STEPS:
        tree = ast.parse(inspect.getsource(sys.modules[step.__module__]))
        names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not names & (modules - {step.__module__})


def test_the_dock_shows_the_steps_in_order_with_their_help(dock):
    assert list(dock.steps) == [step.key for step in STEPS]
    tops = [step.header.mapTo(dock, step.header.rect().topLeft()).y() for step in dock.steps.values()]
    assert tops == sorted(tops)
    for step in dock.steps.values():
        assert step.header.toolTip().startswith(step.help)


def test_a_finished_step_opens_the_next_and_tells_it_who_was_before(opened):
    heard = []

    class Next(Step):
        key, title, help, place = "next", "Next", "For the test.", 1000
        needs = Needs.VIDEO

        def start_after(self, key):
            heard.append(key)

    class Before(Step):
        key, title, help, place, next_key = "before", "Before", "For the test.", 999, "next"

    for made in (Before(opened.controller, 9), Next(opened.controller, 10)):
        opened.add_step(made)
    opened["before"].finished.emit()
    assert heard == ["before"]
    assert opened["next"].is_open
    assert not opened["detect"].is_open


def test_a_step_is_possible_once_its_needs_are_met(dock, video_file, wait):
    by_needs = {needs: [s for s in dock.steps.values() if s.needs == needs] for needs in Needs}
    assert all(step.header.isEnabled() for step in by_needs[Needs.NOTHING])
    assert not any(step.header.isEnabled() for step in by_needs[Needs.VIDEO] + by_needs[Needs.BOXES])
    dock["video"].open(video_file)
    wait(lambda: dock.controller.session is not None)
    assert all(step.header.isEnabled() for step in by_needs[Needs.VIDEO])
    assert not any(step.header.isEnabled() for step in by_needs[Needs.BOXES])
