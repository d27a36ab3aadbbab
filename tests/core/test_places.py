import pytest

from sched_emulator.core.places import PLACES, after, leads_out


def test_a_message_moves_by_the_table_and_no_other_way() -> None:
    assert [after(None, "publish"), after("available", "hand_out"), after("in_flight", "back_off")] == [
        "available",
        "in_flight",
        "delayed",
    ]
    with pytest.raises(KeyError, match=r"delayed.*hand_out"):
        after("delayed", "hand_out")


def test_only_what_ends_a_life_leads_out_and_it_must_be_possible() -> None:
    assert [leads_out("in_flight", "ack"), leads_out("in_flight", "requeue")] == [True, False]
    with pytest.raises(KeyError, match=r"dead.*ack"):
        leads_out("dead", "ack")


def test_every_place_is_reached_and_left() -> None:
    places = {place for place, _ in PLACES} - {None}
    assert {following for following in PLACES.values() if following is not None} == places
    assert {place for (place, _), following in PLACES.items() if following is None} == places
