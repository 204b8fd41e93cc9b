"""What the programme's rules against ballot-stuffing (刷票) find in the traces of a ballot's papers (DR-23).

Three readings of the same papers in the order of time: the first watches in arrays of a fixed size where anything might
be found, the second counts exactly there and nowhere else, the third names the papers. So memory holds the arrays and
what is suspicious, however many papers there are. All in integers and Fractions: the same papers give the same findings.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from zlib import crc32

from schemas.canonical import payload_hash
from schemas.programme import Night, StuffingRule, Surge, Timing, Velocity
from schemas.programme import Stuffing as Rules
from schemas.traces import Traced

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
_SHANGHAI = 8 * 60 * MINUTE
_MORNING = 6 * 60 * MINUTE
CELLS_MIN, CELLS_MAX = 2**15, 2**24
"""Cells of a watching array, about one a paper; what shares a cell is told apart in the second reading."""
FROZEN = "frozen"
"""The cohort of papers for a candidate who was frozen when they came."""
_BITS_MAX = 24  # of 64; voters beyond that are told apart in the second reading

Span = tuple[int, int]  # from, until, in milliseconds since 1970
Key = tuple[int, bytes, int]  # window, network or device, candidate


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found about a candidate, in numbers; its papers are named in the third reading."""

    rule: str
    candidate: int
    evidence: Mapping[str, int]


def rules_version(rules: Rules) -> str:
    """The version of a set of rules: the hash of its canonical bytes."""
    return payload_hash(rules)


def at_night(received: int) -> bool:
    """Whether it is between 00:00 and 06:00 in Shanghai."""
    return (received + _SHANGHAI) % DAY < _MORNING


class _Scope:
    """What a rule counts by: a network or a device, or everybody, in windows or in the whole vote."""

    def __init__(self, rule: StuffingRule) -> None:
        self._span = (getattr(rule, "minutes", None) or 0) * MINUTE
        self._device = getattr(rule, "by", "") == "device"

    def window(self, received: int) -> int:
        """The number of the window that an instant is in; 0 where the whole vote is one."""
        return received // self._span if self._span else 0

    def around(self, received: int) -> tuple[int, ...]:
        """That window and the two beside it: what came just before and after goes with what is found in one."""
        window = self.window(received)
        return (window - 1, window, window + 1) if self._span else (window,)

    def bucket(self, one: Traced) -> bytes:
        """The network or device, empty where the intake saw nothing."""
        return one.device if self._device else one.network


# ---- first reading: where anything might be found ----


class _Watch:
    """Cells of one rule in its present window; a cell that has reached what the rule needs is watched."""

    def __init__(self, rule: Velocity | Timing | Night, cells: int) -> None:
        self.rule = rule
        self.scope = _Scope(rule)
        self.watched: set[tuple[int, int]] = set()
        self._mask = (
            cells // 16 if getattr(rule, "minutes", None) else cells
        ) - 1  # a window sees few of all papers
        self._window = -1
        self._at_night = isinstance(rule, Night)
        self._by_voters = isinstance(rule, Velocity) and rule.voters is not None
        self._needed = _needed(rule)
        self._cells = self._empty()

    def _empty(self) -> array[int]:
        code = "Q" if self._by_voters else "I"
        return array(code, bytes(array(code).itemsize * (self._mask + 1)))

    def see(self, one: Traced) -> None:
        bucket = self.scope.bucket(one)
        if not bucket or (self._at_night and not at_night(one.received)):
            return
        window, cell = self.scope.window(one.received), crc32(bucket) & self._mask
        if window != self._window:
            self._window, self._cells = window, self._empty()
        if self._by_voters:
            self._cells[cell] |= 1 << (crc32(one.voter) & 63)
            reached = self._cells[cell].bit_count() >= self._needed
        else:
            self._cells[cell] += 1
            reached = self._cells[cell] >= self._needed
        if reached:
            self.watched.add((window, cell))

    def watches(self, one: Traced) -> bool:
        """Whether something may be found where this paper comes from."""
        if not self.watched:
            return False
        bucket = self.scope.bucket(one)
        return bool(bucket) and (self.scope.window(one.received), crc32(bucket) & self._mask) in self.watched


def _needed(rule: Velocity | Timing | Night) -> int:
    """What a cell has at the least when the rule may apply; voters may share a bit, so fewer bits than voters."""
    match rule:
        case Velocity(voters=int(voters)):
            return min(_BITS_MAX, max(2, voters * 3 // 4))
        case Night():
            return ceil(rule.papers * rule.night)
        case _:
            return rule.papers or 1


# ---- second reading: exact numbers where something is watched ----


@dataclass(slots=True)
class _Tally:
    """The papers of one network or device in one window, or those of them that name one candidate."""

    papers: int = 0
    at_night: int = 0
    voters: set[int] = field(default_factory=set)
    candidates: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class _Beat:
    """The gaps between the papers from one place for one candidate: how many, and how many like the one before."""

    papers: int = 0
    last: int = 0
    gap: int = 0
    steps: int = 0
    steady: int = 0

    def tick(self, received: int) -> None:
        gap = received - self.last
        if self.papers >= 2:
            self.steps += 1
            self.steady += gap > 0 and 10 * abs(gap - self.gap) <= self.gap
        self.papers, self.last, self.gap = self.papers + 1, received, gap


class _Count:
    """What one rule counts where its watch says so; `hits` are what it finds, `numbers` the evidence by candidate."""

    def __init__(self, watch: _Watch) -> None:
        self.rule, self._scope = watch.rule, watch.scope
        self._watch = watch
        self._tallies: dict[tuple[int, bytes], _Tally] = {}
        self._beats: dict[Key, _Beat] = {}
        self.hits: set[Key] = set()
        self.numbers: dict[int, Counter[str]] = {}

    def see(self, one: Traced) -> None:
        if not self._watch.watches(one):
            return
        place = (self._scope.window(one.received), self._scope.bucket(one))
        if isinstance(self.rule, Timing):
            for candidate in one.choices:
                self._beats.setdefault((*place, candidate), _Beat()).tick(one.received)
        elif isinstance(self.rule, Night):
            for candidate in one.choices:
                tally = self._tallies.setdefault((candidate, place[1]), _Tally())
                tally.papers += 1
                tally.at_night += at_night(one.received)
        else:
            tally = self._tallies.setdefault(place, _Tally())
            tally.papers += 1
            tally.candidates.update(one.choices)
            if self.rule.voters is not None and len(tally.voters) < 10 * self.rule.voters:
                tally.voters.add(crc32(one.voter))

    def close(self) -> None:
        """Judge what was counted, and let go of it."""
        match self.rule:
            case Timing() as rule:
                for key, beat in self._beats.items():
                    if beat.papers >= rule.papers and beat.steady >= rule.steady * beat.steps:
                        self._hit(key, beat.papers, steps=beat.steps, steady=beat.steady)
            case Night() as rule:
                for (candidate, bucket), tally in self._tallies.items():
                    if tally.papers >= rule.papers and tally.at_night >= rule.night * tally.papers:
                        self._hit((0, bucket, candidate), tally.papers, at_night=tally.at_night)
            case Velocity() as rule:
                for (window, bucket), tally in self._tallies.items():
                    self._velocity(rule, window, bucket, tally)
        self._tallies, self._beats = {}, {}

    def _velocity(self, rule: Velocity, window: int, bucket: bytes, tally: _Tally) -> None:
        enough = len(tally.voters) >= rule.voters if rule.voters else tally.papers >= (rule.papers or 0)
        for candidate, papers in tally.candidates.items():
            if enough and papers >= rule.lead * tally.papers:
                seen = {"voters_at_least": len(tally.voters)} if rule.voters else {}
                self._hit((window, bucket, candidate), tally.papers, for_candidate=papers, **seen)

    def _hit(self, key: Key, papers: int, **numbers: int) -> None:
        self.hits.add(key)
        seen = self.numbers.setdefault(key[2], Counter())
        seen.update(numbers, places=1, papers_there=papers)
        seen["most_in_one"] = max(seen["most_in_one"], papers)

    def names(self, one: Traced, candidate: int) -> bool:
        """Whether the paper is one of those found."""
        if candidate not in self.numbers:
            return False
        bucket = self._scope.bucket(one)
        return any((near, bucket, candidate) in self.hits for near in self._scope.around(one.received))


class _Rise:
    """A surge rule: votes by window and candidate are few numbers and counted at once; strangers in the second reading."""

    def __init__(self, rule: Surge, candidates: int) -> None:
        self.rule, self._scope = rule, _Scope(rule)
        self._candidates = candidates
        self._votes: dict[int, list[int]] = {}
        self._papers: Counter[int] = Counter()
        self._risen: dict[tuple[int, int], int] = {}  # window, candidate → votes expected
        self._strangers: Counter[tuple[int, int]] = Counter()
        self.hits: set[tuple[int, int]] = set()
        self.numbers: dict[int, Counter[str]] = {}

    def watch(self, one: Traced) -> None:
        window = self._scope.window(one.received)
        votes = self._votes.setdefault(window, [0] * self._candidates)
        self._papers[window] += 1
        for candidate in one.choices:
            votes[candidate] += 1

    def risen(self) -> None:
        """Between the readings: where a candidate's votes are far above the median part of all papers."""
        for candidate in range(self._candidates):
            parts = sorted(Fraction(votes[candidate], self._papers[at]) for at, votes in self._votes.items())
            median = parts[(len(parts) - 1) // 2]
            for at, votes in self._votes.items():
                expected = median * self._papers[at]
                if votes[candidate] >= self.rule.papers and votes[candidate] >= self.rule.factor * expected:
                    self._risen[at, candidate] = ceil(expected)

    def count(self, one: Traced) -> None:
        window = self._scope.window(one.received)
        self._strangers.update((window, c) for c in one.choices if (window, c) in self._risen)

    def close(self) -> None:
        for (at, candidate), expected in self._risen.items():
            votes, strangers = self._votes[at][candidate], self._strangers[at, candidate]
            if strangers >= self.rule.strangers * votes:
                self.hits.add((at, candidate))
                seen = self.numbers.setdefault(candidate, Counter())
                seen.update(windows=1, votes=votes, expected=expected, strangers=strangers)

    def names(self, one: Traced, candidate: int) -> bool:
        return candidate in self.numbers and any(
            (near, candidate) in self.hits for near in self._scope.around(one.received)
        )


# ---- the three readings ----


class Screening:
    """Rules over the papers of one ballot: `watch` all pages, then `count` all, then `name` all, each time from the start.

    `candidates` is how many there are; `frozen` says when papers for a candidate are held for that alone; `papers`,
    about how many are to come, decides only how much memory is taken.
    """

    def __init__(
        self,
        rules: Rules,
        candidates: int,
        frozen: Mapping[int, Iterable[Span]] | None = None,
        papers: int = 0,
    ) -> None:
        cells = min(CELLS_MAX, max(CELLS_MIN, 1 << papers.bit_length()))
        self._rules = rules
        self._watches = [_Watch(rule, cells) for rule in rules.rules if not isinstance(rule, Surge)]
        self._counts = [_Count(watch) for watch in self._watches]
        self._rises = [_Rise(rule, candidates) for rule in rules.rules if isinstance(rule, Surge)]
        self._networks = array("I", bytes(array("I").itemsize * cells))
        self._frozen = {candidate: tuple(spans) for candidate, spans in (frozen or {}).items()}
        self.papers = 0
        self.votes: Counter[int] = Counter()

    def watch(self, page: Iterable[Traced]) -> None:
        """The first reading; pages in the order of time."""
        for one in page:
            self.papers += 1
            self.votes.update(one.choices)
            for watch in self._watches:
                watch.see(one)
            if self._rises:
                self._networks[crc32(one.network) % len(self._networks)] += 1
                for rise in self._rises:
                    rise.watch(one)

    def watched(self) -> None:
        """Between the first reading and the second."""
        if self.papers:
            for rise in self._rises:
                rise.risen()

    def count(self, page: Iterable[Traced]) -> None:
        """The second reading."""
        for one in page:
            for count in self._counts:
                count.see(one)
            for rise in self._rises:
                if self._stranger(rise.rule, one):
                    rise.count(one)

    def counted(self) -> tuple[Found, ...]:
        """Between the second reading and the third: what the rules found, in their order."""
        for part in self._parts:
            part.close()
        numbers = {part.rule.id: part.numbers for part in self._parts}
        return tuple(
            Found(rule=rule.id, candidate=candidate, evidence=dict(sorted(seen.items())))
            for rule in self._rules.rules
            for candidate, seen in sorted(numbers[rule.id].items())
        )

    def name(self, one: Traced) -> tuple[str, int] | None:
        """The third reading: the cohort a paper is in, as rule and candidate; the first in the rules' order."""
        for candidate in one.choices:
            if any(since <= one.received < until for since, until in self._frozen.get(candidate, ())):
                return FROZEN, candidate
        for part in self._parts:
            for candidate in one.choices:
                if part.names(one, candidate) and self._fits(part.rule, one):
                    return part.rule.id, candidate
        return None

    @property
    def _parts(self) -> list[_Count | _Rise]:
        return [*self._counts, *self._rises]

    def _fits(self, rule: StuffingRule, one: Traced) -> bool:
        return not isinstance(rule, Surge) or self._stranger(rule, one)

    def _stranger(self, rule: Surge, one: Traced) -> bool:
        return self._networks[crc32(one.network) % len(self._networks)] <= rule.network_max
