"""What goes to Temporal is sealed; keys change while histories live; a wrong key and a changed byte are said."""

from __future__ import annotations

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError

from runtime.payloads import ENCODING, PLAIN, data_converter, fingerprint
from schemas.errors import Integrity
from schemas.ledger import Actor

OLD, NEW = bytes([1]) * 32, bytes([2]) * 32
SECRET = "测试·甲一 510101190001010000"


async def sealed(converter: DataConverter) -> Payload:
    (payload,) = await converter.encode([Actor(id=SECRET, role="officer")])
    return payload


async def opened(converter: DataConverter, payload: Payload) -> object:
    return (await converter.decode([payload], [Actor]))[0]


async def test_a_payload_shows_nothing_but_which_key_sealed_it_and_is_another_each_time() -> None:
    one, other = [await sealed(data_converter([NEW])) for _ in range(2)]
    assert dict(one.metadata) == {"encoding": ENCODING, "key": fingerprint(NEW).encode()}
    assert one.data != other.data
    assert SECRET.encode() not in one.SerializeToString()
    assert SECRET.encode() in (await sealed(PLAIN)).SerializeToString()  # the same look finds what is plain
    assert await opened(data_converter([NEW]), one) == Actor(id=SECRET, role="officer")


async def test_after_a_change_of_keys_what_the_old_one_sealed_still_opens() -> None:
    before = await sealed(data_converter([OLD]))
    after = await sealed(data_converter([NEW, OLD]))
    assert after.metadata["key"] == fingerprint(NEW).encode()
    assert await opened(data_converter([NEW, OLD]), before) == await opened(data_converter([NEW]), after)


async def test_what_was_recorded_before_there_were_keys_still_reads() -> None:
    assert await opened(data_converter([NEW]), await sealed(PLAIN)) == Actor(id=SECRET, role="officer")


async def test_a_key_that_is_not_held_is_said_and_named() -> None:
    with pytest.raises(Integrity, match=fingerprint(OLD)):
        await opened(data_converter([NEW]), await sealed(data_converter([OLD])))


async def test_a_changed_byte_is_found() -> None:
    payload = await sealed(data_converter([NEW]))
    payload.data = payload.data[:-1] + bytes([payload.data[-1] ^ 1])
    with pytest.raises(Integrity) as found:
        await opened(data_converter([NEW]), payload)
    assert found.value.code == "PAYLOAD_SEALED"


async def test_what_a_failure_says_is_sealed_too() -> None:
    failure = Failure()
    await data_converter([NEW]).encode_failure(ApplicationError(SECRET, {"why": SECRET}), failure)
    assert SECRET.encode() not in failure.SerializeToString()
    told = await data_converter([NEW]).decode_failure(failure)
    assert isinstance(told, ApplicationError)
    assert (told.message, told.details) == (SECRET, ({"why": SECRET},))
