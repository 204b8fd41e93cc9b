"""The canonical bytes against their oracle, hashes against independent computations, upcasters."""

import hashlib
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from unicodedata import normalize

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from schemas.canonical import (
    CanonicalFormError,
    canonical_bytes,
    leaf_hash,
    open_event,
    payload_hash,
    seal,
)
from schemas.errors import Integrity
from schemas.events import CyclePaused, read
from schemas.ledger import GENESIS, NewEvent, RecordedEvent
from schemas.upcasters import Upcasters
from tests.store.commands import command

keys = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=8)
texts = st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: normalize("NFC", text))
leaves = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=20)


@given(values)
def test_inside_the_profile_the_bytes_are_those_of_rfc_8785(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@given(values)
def test_canonical_bytes_read_back_give_the_same_bytes(value: Any) -> None:
    body = canonical_bytes(value)
    assert canonical_bytes(orjson.loads(body)) == body


@pytest.mark.parametrize(
    "outside",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        {"Key": 1},
        {"键": 1},
        {"a-b": 1},
        {1: 1},
        {"": 1},
        {"a\n": 1},
        "\ud800",
        "e\u0301",
        datetime(2024, 1, 30),  # noqa: DTZ001 -- a naive instant is what must be refused
        Decimal("NaN"),
        b"bytes",
        {1, 2},
    ],
    ids=repr,
)
def test_a_value_outside_the_profile_is_refused(outside: Any) -> None:
    with pytest.raises(CanonicalFormError):
        canonical_bytes([outside])


def test_instants_are_written_in_utc_with_six_digits_and_decimals_as_text() -> None:
    shanghai = timezone(timedelta(hours=8))
    moment = datetime(2024, 1, 30, 9, 2, 3, tzinfo=shanghai)
    assert canonical_bytes({"at": moment, "on": moment.date(), "share": Decimal("0.30")}) == (
        b'{"at":"2024-01-30T01:02:03.000000Z","on":"2024-01-30","share":"0.30"}'
    )


def test_the_order_of_keys_does_not_change_a_payload_hash() -> None:
    assert payload_hash({"b": 1, "a": 2}) == payload_hash({"a": 2, "b": 1})


def test_sealed_events_form_a_chain_of_rfc_6962_leaf_hashes() -> None:
    first, second = seal(command("s", "c", None, NewEvent(type="a"), NewEvent(type="b")))
    assert first.event.prev == GENESIS
    assert second.event.prev == first.event.hash == hashlib.sha256(b"\0" + first.body).hexdigest()
    assert (second.event.seq, second.event.ordinal) == (2, 1)


def test_an_event_opens_to_what_was_sealed() -> None:
    new = NewEvent(type="noted", data={"years_in_craft": 22, "note": "测试·甲一"}, subject="s1")
    (sealed,) = seal(command("s", "c", None, new, grant="g1", cause="t@3"))
    assert open_event(sealed.body) == sealed.event


def test_a_trusted_event_is_in_every_way_a_validated_one() -> None:
    (sealed,) = seal(command("s", "c"))
    validated = RecordedEvent.model_validate(sealed.event.model_dump())
    assert sealed.event == validated
    assert sealed.event.model_dump_json() == validated.model_dump_json()
    assert sealed.event.model_copy() == validated.model_copy()


def test_empty_optional_fields_are_left_out_of_the_body() -> None:
    (sealed,) = seal(command("s", "c"))
    assert sorted(orjson.loads(sealed.body)) == sorted(
        [
            "v",
            "log",
            "stream",
            "seq",
            "ord",
            "type",
            "at",
            "recorded",
            "actor",
            "cmd",
            "req",
            "rules",
            "data",
            "prev",
        ]
    )


def test_an_old_version_is_upcast_on_reading_and_its_hash_stays_that_of_the_bytes() -> None:
    upcasters = Upcasters()

    @upcasters.step("measured", 1)
    def metres_to_millimetres(data: dict[str, Any]) -> dict[str, Any]:
        return {"millimetres": data["metres"] * 1000}

    @upcasters.step("measured", 2)
    def with_an_instrument(data: dict[str, Any]) -> dict[str, Any]:
        return data | {"instrument": ""}

    (sealed,) = seal(command("s", "c", None, NewEvent(type="measured", v=1, data={"metres": 3})))
    event = open_event(sealed.body, upcasters)
    assert (event.v, event.data) == (3, {"millimetres": 3000, "instrument": ""})
    assert event.hash == leaf_hash(sealed.body)


@pytest.mark.parametrize("newer", [{"type": "CycleSungAbout"}, {"v": 2}])
def test_what_newer_code_wrote_is_refused_by_name_and_not_guessed(newer: dict[str, Any]) -> None:
    (sealed,) = seal(command("cycle/c", "c", None, NewEvent(type="CyclePaused", data={"reason": "r"})))
    event = open_event(sealed.body)
    assert isinstance(read(event), CyclePaused)
    with pytest.raises(Integrity, match="EVENT_UNKNOWN"):
        read(event.model_copy(update=newer))


def test_a_step_between_versions_is_registered_once() -> None:
    upcasters = Upcasters()
    upcasters.step("measured", 1)(dict)
    with pytest.raises(ValueError, match="measured v1"):
        upcasters.step("measured", 1)(dict)
