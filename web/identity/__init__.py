"""Who vouches for a voter: an adapter answers with an identity, which is made into a token at once and kept nowhere."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

from store.voter_keys import VoterKey


class Identity(NamedTuple):
    """Somebody as an adapter knows them: `kind` says what `value` is. Two adapters with one kind see one voter.

    `channel` is where the papers come from, for its weight (DR-24): vouched for too, never the voter's to choose.
    """

    kind: str
    value: str
    channel: str = "web"


class Asked(NamedTuple):
    """What an adapter is asked about: for which ballot, with its key, with what proof, at what real time.

    `network` is the /24 or /48 that asks, to be counted under a mark and kept nowhere; empty if it is not known.
    """

    key: VoterKey
    proof: dict[str, str]
    now: datetime
    network: str


class IdentityAdapter(Protocol):
    """A way of knowing a voter."""

    by: ClassVar[str]

    async def vouch(self, asked: Asked) -> Identity:
        """The identity that the proof shows; Refused IDENTITY_REFUSED, TOO_MANY_TRIES; Unavailable IDENTITY_AWAY."""


@runtime_checkable
class ChallengingAdapter(IdentityAdapter, Protocol):
    """A way that needs a first step: something is sent to the voter, who then shows it."""

    async def challenge(self, asked: Asked) -> str:
        """What the voter brings back with their proof; raises as `vouch` does, and Refused TOO_MANY_CODES."""
