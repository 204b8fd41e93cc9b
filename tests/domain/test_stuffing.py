"""The rules against ballot-stuffing (刷票): what each finds, and how much of it on crowds they were not tuned to (DR-23)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from domain.stuffing import FROZEN, MINUTE, Found, Screening
from schemas.programme import Stuffing
from schemas.traces import Traced, packed, unpacked
from tests.support.crowd import CANDIDATES, HELD_OUT, HOUR, OPENS, Crowd, Measured, measured

X, Y = 0, 1


def paper(n: int, at: int, *choices: int, network: bytes = b"", device: bytes = b"") -> Traced:
    return Traced(OPENS + at, b"v%015d" % n, b"p%015d" % n, network, device, "web", choices or (X,))


def rules(**rule: Any) -> Stuffing:
    return Stuffing.model_validate({"rules": [{"id": "it", **rule}]})


def screened(rule: Stuffing, papers: Sequence[Traced]) -> tuple[tuple[Found, ...], set[bytes]]:
    """What is found, and which papers are named."""
    screening = Screening(rule, 2)
    in_time = sorted(papers, key=lambda one: one.received)
    screening.watch(in_time)
    screening.watched()
    screening.count(in_time)
    return screening.counted(), {one.paper for one in papers if screening.name(one)}


def names(papers: Iterable[Traced]) -> set[bytes]:
    return {one.paper for one in papers}


ONE_DEVICE = rules(type="velocity", by="device", voters=8, lead="80%")
BURST = rules(type="velocity", by="network", papers=10, minutes=10, lead="80%")
BEAT = rules(type="timing", by="network", papers=10, minutes=60, steady="50%")
SLEEPLESS = rules(type="night", by="network", papers=10, night="50%")
SURGE = rules(type="surge", papers=10, minutes=60, factor=3, strangers="50%")


def test_a_device_with_many_voters_for_one_candidate_is_found_and_a_family_that_comes_back_is_not_dr_23() -> (
    None
):
    farm = [paper(n, n * MINUTE, device=b"farm....") for n in range(8)]
    family = [paper(100 + n % 4, n * HOUR, device=b"family..") for n in range(28)]
    found, named = screened(ONE_DEVICE, [*farm, *family])
    assert named == names(farm)
    assert found == (
        Found(
            "it",
            X,
            {"for_candidate": 8, "most_in_one": 8, "papers_there": 8, "places": 1, "voters_at_least": 8},
        ),
    )


def test_a_terminal_whose_voters_differ_in_whom_they_choose_is_not_held_dr_23() -> None:
    hall = [paper(n, n * MINUTE, n % 2, device=b"terminal") for n in range(40)]
    assert screened(ONE_DEVICE, hall) == ((), set())


def test_a_burst_of_one_network_is_held_with_its_edges_and_its_neighbours_votes_for_others_are_not_dr_23() -> (
    None
):
    burst = [paper(n, (9 + n // 10) * MINUTE, network=b"proxy...") for n in range(30)]
    neighbours = [paper(100 + n, 10 * MINUTE + n, Y, network=b"proxy...") for n in range(3)]
    earlier = [paper(200, -3 * HOUR, network=b"proxy...")]
    _, named = screened(BURST, [*burst, *neighbours, *earlier])
    assert named == names(burst)


def test_papers_on_the_beat_are_held_and_those_that_come_as_people_come_are_not_dr_23() -> None:
    beat = [paper(n, n * 7000 + n % 3 * 100, network=b"proxy...") for n in range(20)]
    crowd = [paper(100 + n, n * n * 3000, network=b"campus..") for n in range(20)]
    found, named = screened(BEAT, [*beat, *crowd])
    assert named == names(beat)
    assert found[0].evidence["steady"] == found[0].evidence["steps"] == 18


def test_a_network_that_never_sleeps_is_held_dr_23() -> None:
    bots = [paper(n, n * 30 * MINUTE, network=b"proxy...") for n in range(12)]
    people = [paper(100 + n, 9 * HOUR + n * 30 * MINUTE, network=b"home....") for n in range(12)]
    _, named = screened(SLEEPLESS, [*bots, *people])
    assert named == names(bots)


def test_a_surge_from_networks_that_nobody_else_votes_from_is_held_and_a_home_towns_is_not_dr_23() -> None:
    everyday = [paper(n, (n % 40) * HOUR + n, n % 10 > 0, network=b"town...%d" % (n % 5)) for n in range(400)]
    town = [paper(1000 + n, 5 * HOUR + n, network=b"town...%d" % (n % 5)) for n in range(40)]
    paid = [paper(2000 + n, 20 * HOUR + n, network=b"away%04d" % n) for n in range(40)]
    found, named = screened(SURGE, [*everyday, *town, *paid])
    assert named == names(paid)
    assert (found[0].evidence["votes"], found[0].evidence["strangers"]) == (50, 40)


def test_papers_for_a_frozen_candidate_are_held_for_that_alone_dr_23() -> None:
    screening = Screening(ONE_DEVICE, 2, {X: [(OPENS + HOUR, OPENS + 2 * HOUR)]})
    seen = [screening.name(paper(n, at, choice)) for n, (at, choice) in enumerate([
        (HOUR - 1, X), (HOUR, X), (HOUR, Y), (2 * HOUR, X),
    ])]  # fmt: skip
    assert seen == [None, (FROZEN, X), None, None]


def test_what_the_intake_did_not_see_is_no_ground_for_anything_dr_23() -> None:
    unseen = [paper(n, n * 1000) for n in range(50)]
    for rule in (ONE_DEVICE, BURST, BEAT, SLEEPLESS):
        assert screened(rule, unseen) == ((), set())


def test_traces_come_back_from_their_bytes_in_the_order_of_time() -> None:
    batch = [paper(n, (7 * n) % 10, Y, X, network=b"n" * 8, device=b"d" * 8) for n in range(10)]
    body = packed(batch)
    assert list(unpacked(body)) == sorted(batch, key=lambda one: one.received)
    assert len(body) < 80 * len(batch)


@pytest.fixture(scope="module")
def held_out() -> list[Measured]:
    return [measured(Crowd(seed, honest=15_000)) for seed in HELD_OUT[:3]]


def test_at_least_95_percent_of_the_bots_papers_are_held_on_seeds_unknown_to_the_rules_dr_23(
    held_out: list[Measured],
) -> None:
    assert [one.recall_permille for one in held_out if one.recall_permille < 950] == []
    kinds = {kind: sum(one.papers[kind] for one in held_out) for kind in held_out[0].papers}
    least = min(
        (1000 * sum(one.held[kind] for one in held_out) // n, kind)
        for kind, n in kinds.items()
        if kind != "honest"
    )
    assert least >= (800, "")


def test_at_most_half_a_percent_of_the_honest_papers_are_held_on_seeds_unknown_to_the_rules_dr_23(
    held_out: list[Measured],
) -> None:
    assert all(one.papers["honest"] > 15_000 for one in held_out)
    assert [one.false_permille for one in held_out if one.false_permille > 5] == []


def test_the_same_papers_give_the_same_findings_however_they_are_paged() -> None:
    papers = [one.trace for one in Crowd(HELD_OUT[0], honest=3_000).papers]
    rule = Stuffing.model_validate(
        {
            "rules": [
                {"type": "surge", "id": "it", "papers": 100, "minutes": 60, "factor": 2, "strangers": "40%"}
            ]
        }
    )

    def found(size: int) -> tuple[Found, ...]:
        screening, starts = Screening(rule, CANDIDATES), range(0, len(papers), size)
        for at in starts:
            screening.watch(papers[at : at + size])
        screening.watched()
        for at in starts:
            screening.count(papers[at : at + size])
        return screening.counted()

    assert found(7) == found(5000) != ()
