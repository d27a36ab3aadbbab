from sched_emulator.core.beginning import Beginning
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.snapshot import seal, unseal
from sched_emulator.core.store import fresh
from tests.core.harness import Box, settings


def test_a_new_sandboxs_beginning_is_its_settings_alone() -> None:
    given = settings()
    beginning = Beginning(fresh(given))
    assert len(beginning) == 0
    assert beginning.document() == seal(fresh(given))
    assert beginning.state() == fresh(given)
    assert beginning.state().answers is given.answers


def test_a_beginning_that_is_given_is_what_a_sandbox_returns_to_also_where_it_is_settings_alone() -> None:
    given = Beginning(fresh(settings({"queue.nack_position": "back"})))
    sandbox = Sandbox(fresh(settings()), beginning=given)
    sandbox.reset()
    assert sandbox.store.answers.values["queue.nack_position"] == "back"


def test_any_other_beginning_is_its_document_and_each_state_of_it_has_its_own_records() -> None:
    box = Box()
    box.publish("q", 1)
    document = box.sandbox.snapshot()
    beginning = Beginning(unseal(document))
    assert (len(beginning), beginning.document()) == (len(document), document)
    one, other = beginning.state(), beginning.state()
    assert one == other
    assert one.messages[0] is not other.messages[0]


def test_settings_that_are_no_longer_those_of_the_state_are_no_beginning_by_themselves() -> None:
    state = fresh(settings())
    state.now_ms += 1
    assert Beginning(state).state().now_ms == state.now_ms
