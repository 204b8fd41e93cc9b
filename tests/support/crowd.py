"""Invented voters of a public vote, honest ones and bots, as the traces that their papers leave.

The honest sleep, share networks in families, offices, campuses and behind mobile carriers, vote again on other days, and
surge for a candidate whose home town has just heard of the vote. The bots are of six kinds. Everything follows from a
seed; which papers are a bot's is known, so that recall and false holds can be measured.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import accumulate

from domain.stuffing import DAY, MINUTE, Screening
from runtime.settings import CHECKOUT
from schemas.loading import load_programme
from schemas.programme import PublicVote, Stuffing
from schemas.traces import Traced

HOUR = 60 * MINUTE
OPENS = 1_709_481_600_000  # 2024-03-04 00:00 in Shanghai
DAYS = 7
CANDIDATES = 50
_BY_HOUR = list(
    accumulate((3, 1, 1, 1, 1, 2, 6, 12, 20, 26, 28, 26, 32, 28, 24, 24, 24, 26, 30, 38, 44, 40, 26, 12))
)


def _shipped_rules() -> Stuffing:
    programme = load_programme(CHECKOUT / "programmes" / "sichuan-craftsman" / "1.yaml")
    steps = [step for stage in programme.stages.values() for step in stage.steps]
    [rules] = [step.stuffing for step in steps if isinstance(step, PublicVote) and step.stuffing]
    return rules


RULES = _shipped_rules()
"""The rules that the shipped programme has; tuned on `TUNED` alone."""
TUNED = range(10)
HELD_OUT = range(1000, 1010)


@dataclass(frozen=True)
class Paper:
    """A paper's trace and whose it is: `honest`, or the kind of bot."""

    trace: Traced
    whose: str


@dataclass
class Crowd:
    """Everybody who votes in one ballot."""

    seed: int
    honest: int = 30_000
    papers: list[Paper] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)
        self._made = 0
        likes = [1 / (rank + 3) for rank in range(CANDIDATES)]
        self._draw.shuffle(likes)
        self._likes = list(accumulate(likes))
        self._honest()
        targets = self._draw.sample(range(CANDIDATES), len(BOTS))
        for kind, target in zip(BOTS, targets, strict=True):
            kind(self, target)
        self.papers.sort(key=lambda one: (one.trace.received, one.trace.paper))

    # ---- the honest ----

    def _honest(self) -> None:
        self._homes = homes = [
            self._name() for _ in range(self.honest // 60)
        ]  # a /24 or /48 holds many homes
        carriers = [self._name() for _ in range(12)]
        for _ in range(self.honest // 5):
            self._family(self._draw.choice(homes), self._draw.choice(carriers))
        for _ in range(self.honest // 1000):
            self._office()
        self._campus()
        self._plant(begins=10 * HOUR, lasts=40 * MINUTE, people=120)  # the shift votes in its break
        self._plant(begins=22 * HOUR, lasts=8 * HOUR, people=60)  # and there is a night shift
        for _ in range(3):
            self._home_town()
        for _ in range(3):
            self._terminal(self._draw.choice(homes))

    def _family(self, home: bytes, carrier: bytes) -> None:
        """One to four people, some of them sharing a device, each voting on one day or several."""
        shared = self._name()
        for _ in range(self._draw.randint(1, 4)):
            device = shared if self._draw.random() < 0.4 else self._name()
            self._person(device, home if self._draw.random() < 0.6 else carrier)

    def _person(self, device: bytes, network: bytes, favourite: int | None = None) -> None:
        voter = self._name(16)
        if self._draw.random() < 0.02:
            network = self._name()  # on a journey
        for day in range(DAYS):
            if self._draw.random() < 0.3:
                at = OPENS + day * DAY + self._hour() * HOUR + self._draw.randrange(HOUR)
                self._cast("honest", at, voter, device, network, self._choices(favourite))

    def _office(self) -> None:
        """A candidate's work mates: one network, told of the vote on one morning, most of them for the mate."""
        network, mate, day = self._name(), self._draw.randrange(CANDIDATES), self._draw.randrange(DAYS)
        for _ in range(self._draw.randint(20, 200)):
            at = OPENS + day * DAY + 9 * HOUR + int(self._draw.expovariate(1 / (2 * HOUR)))
            favourite = mate if self._draw.random() < 0.8 else None
            self._cast("honest", at, self._name(16), self._name(), network, self._choices(favourite))

    def _plant(self, begins: int, lasts: int, people: int) -> None:
        """A shift behind one network, most of it for the mate."""
        network, mate, day = self._name(), self._draw.randrange(CANDIDATES), self._draw.randrange(DAYS - 1)
        for _ in range(people):
            at = OPENS + day * DAY + begins + self._draw.randrange(lasts)
            favourite = mate if self._draw.random() < 0.9 else None
            self._cast("honest", at, self._name(16), self._name(), network, self._choices(favourite))

    def _campus(self) -> None:
        network = self._name()
        for _ in range(self.honest // 50):
            self._person(self._name(), network)

    def _home_town(self) -> None:
        """The local news at eight in the evening: for two hours a county votes for its own, from its own networks."""
        networks = [self._name() for _ in range(25)]
        mate, day = self._draw.randrange(CANDIDATES), self._draw.randrange(1, DAYS)
        for _ in range(300):
            self._person(self._name(), self._draw.choice(networks))
        for _ in range(self.honest // 75):
            at = OPENS + day * DAY + 20 * HOUR + self._draw.randrange(2 * HOUR)
            self._cast(
                "honest", at, self._name(16), self._name(), self._draw.choice(networks), self._choices(mate)
            )

    def _terminal(self, network: bytes) -> None:
        """A device in a union's hall at which visitors vote, for whomever they like."""
        device = self._name()
        for _ in range(60):
            at = OPENS + self._draw.randrange(DAYS) * DAY + 9 * HOUR + self._draw.randrange(8 * HOUR)
            self._cast("honest", at, self._name(16), device, network, self._choices(None))

    # ---- what both need ----

    def _name(self, size: int = 8) -> bytes:
        self._made += 1
        return blake2b(f"{self.seed}/{self._made}".encode(), digest_size=size).digest()

    def _hour(self) -> int:
        return self._draw.choices(range(24), cum_weights=_BY_HOUR)[0]

    def _choices(self, favourite: int | None) -> tuple[int, ...]:
        chosen = self._draw.choices(range(CANDIDATES), cum_weights=self._likes, k=self._draw.randint(1, 5))
        return tuple(dict.fromkeys([*([] if favourite is None else [favourite]), *chosen]))[:5]

    def _cast(
        self, whose: str, at: int, voter: bytes, device: bytes, network: bytes, choices: tuple[int, ...]
    ) -> None:
        if OPENS <= at < OPENS + DAYS * DAY:
            trace = Traced(at, voter, self._name(16), network, device, "web", choices)
            self.papers.append(Paper(trace, whose))

    def _bot(self, kind: str, at: int, device: bytes, network: bytes, target: int) -> None:
        """A bot's paper: its own voter's token, the client's candidate, sometimes others to look honest."""
        choices = self._choices(target) if self._draw.random() < 0.3 else (target,)
        self._cast(kind, at, self._name(16), device, network, choices)

    # ---- the bots ----

    def burst(self, target: int) -> None:
        """One network, a device each, as fast as it goes for half an hour."""
        network, begins = self._name(), self._begins()
        for _ in range(900):
            at = begins + self._draw.randrange(30 * MINUTE)
            self._bot("burst", at, self._name(), network, target)

    def rotating(self, target: int) -> None:
        """A few devices that change their network with every paper."""
        for _ in range(8):
            device = self._name()
            for _ in range(self._draw.randint(40, 80)):
                at = OPENS + self._draw.randrange(DAYS * DAY)
                self._bot("rotating", at, device, self._name(), target)

    def metronome(self, target: int) -> None:
        """New devices behind twelve proxies, a paper every few seconds, hardly a tenth of them off the beat."""
        networks, begins = [self._name() for _ in range(12)], self._begins()
        beat = self._draw.randint(9_000, 20_000)
        for n in range(800):
            at = begins + n * beat + self._draw.randrange(beat // 10)
            self._bot("metronome", at, self._name(), networks[n % len(networks)], target)

    def drip(self, target: int) -> None:
        """New devices behind eight proxies, a paper now and then, day and night for the whole week."""
        for _ in range(8):
            network = self._name()
            for _ in range(90):
                at = OPENS + self._draw.randrange(DAYS * DAY)
                self._bot("drip", at, self._name(), network, target)

    def farm(self, target: int) -> None:
        """Sixty telephones on mobile carriers, fourteen accounts on each, worked through by day."""
        carriers = [self._name() for _ in range(5)]
        for _ in range(60):
            device = self._name()
            for _ in range(14):
                at = OPENS + self._draw.randrange(DAYS) * DAY + 8 * HOUR + self._draw.randrange(14 * HOUR)
                self._bot("farm", at, device, self._draw.choice(carriers), target)

    def paid(self, target: int) -> None:
        """People all over the country, a tenth of them from here, paid a little for one paper each, within 150 minutes."""
        begins = self._begins()
        for _ in range(1200):
            at = begins + self._draw.randrange(150 * MINUTE)
            network = self._draw.choice(self._homes) if self._draw.random() < 0.1 else self._name()
            self._bot("paid", at, self._name(), network, target)

    def _begins(self) -> int:
        return OPENS + self._draw.randrange(1, DAYS - 1) * DAY + self._draw.randint(9, 19) * HOUR


BOTS: tuple[Callable[[Crowd, int], None], ...] = (
    Crowd.burst,
    Crowd.rotating,
    Crowd.metronome,
    Crowd.drip,
    Crowd.farm,
    Crowd.paid,
)


@dataclass(frozen=True)
class Measured:
    """How many papers of each kind there were and how many of them are held."""

    papers: dict[str, int]
    held: dict[str, int]

    @property
    def recall_permille(self) -> int:
        """Held papers of bots in all of theirs."""
        bots = [kind for kind in self.papers if kind != "honest"]
        return 1000 * sum(self.held.get(one, 0) for one in bots) // sum(self.papers[one] for one in bots)

    @property
    def false_permille(self) -> float:
        """Held papers of the honest in all of theirs."""
        return 1000 * self.held.get("honest", 0) / self.papers["honest"]


def pages(papers: Sequence[Paper], size: int = 5000) -> Iterator[list[Traced]]:
    """The papers' traces, page by page."""
    for at in range(0, len(papers), size):
        yield [one.trace for one in papers[at : at + size]]


def screened(papers: Sequence[Paper], rules: Stuffing = RULES) -> Screening:
    """The first two readings done."""
    screening = Screening(rules, CANDIDATES, papers=len(papers))
    for page in pages(papers):
        screening.watch(page)
    screening.watched()
    for page in pages(papers):
        screening.count(page)
    screening.counted()
    return screening


def measured(crowd: Crowd, rules: Stuffing = RULES) -> Measured:
    """What the rules hold of a crowd's papers."""
    screening = screened(crowd.papers, rules)
    papers: dict[str, int] = {}
    held: dict[str, int] = {}
    for one in crowd.papers:
        papers[one.whose] = papers.get(one.whose, 0) + 1
        held[one.whose] = held.get(one.whose, 0) + (screening.name(one.trace) is not None)
    return Measured(papers, held)
