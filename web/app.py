"""The vote intake as one RSGI application: a paper in, a receipt out, and what the public may know of a ballot.

A request that finds too many others inside is told to come back at once, before anything of it is read: those inside
keep their latency. Nothing is answered `accepted` before the ballot box has it for good.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import structlog
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # exported by it, but not by its stub

from runtime.garbage import collect_seldom
from runtime.logging import configure_logging
from runtime.settings import Login, Settings
from schemas.errors import BadUsage, Conflict, EngineError, Refused, Unavailable
from schemas.traces import NO_TRACE
from schemas.values import format_instant
from store.ballots import BallotBox, Paper, day_and_minute, day_begin
from store.polling_place import PollingPlace
from store.voter_keys import Voter
from web.answers import Answer, page, receipt, refusal, said
from web.bodies import PaperBody, ProofBody, Reader
from web.identity import Asked, ChallengingAdapter, IdentityAdapter
from web.identity.configured import adapters
from web.polls import Known, Polls

BODY_MAX = 16_384
_UUID_BYTES = 16
_STATIC = Path(__file__).parent / "static"
_PAGES = {
    "/": ("receipt.html", "text/html; charset=utf-8"),
    "/receipt.js": ("receipt.js", "text/javascript; charset=utf-8"),
    "/verify_receipt.py": ("verify_receipt.py", "text/x-python; charset=utf-8"),
}
_OVERLOADED = refusal(Unavailable("OVERLOADED"))
_NOTHING = said(200, {})
_BROKEN = refusal(Unavailable("BROKEN"))

log = structlog.get_logger()


def real_clock() -> datetime:
    """The machine's clock, read here and handed on."""
    return datetime.now(UTC)


class Intake:
    """One process of the service; granian calls the three `__rsgi…` methods."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = real_clock) -> None:
        self._settings = settings
        self._clock = clock
        self._exits = AsyncExitStack()
        self._inside = 0
        self._inside_max = settings.web_inside_max
        self._papers, self._proofs = Reader(PaperBody), Reader(ProofBody)
        self._routes: dict[str, Callable[[str, Any, Any], Awaitable[Answer]]] = {
            "POST papers": self._take_paper,
            "POST voters": self._identify,
            "POST challenges": self._challenge,
            "GET ballot": self._show_ballot,
            "GET receipt": self._show_receipt,
            "GET page": self._show_page,
            "POST noop": self._do_nothing,
        }

    def __rsgi_init__(self, loop: Any) -> None:
        loop.run_until_complete(self.start())

    def __rsgi_del__(self, loop: Any) -> None:
        loop.run_until_complete(self.stop())

    async def start(self) -> None:
        """Ready to serve; connects when the first request needs it. Unavailable SETTING_MISSING."""
        configure_logging(self._settings)
        dsn, kek = self._settings.dsn(Login.WEB), self._settings.ballot_key_kek()
        self._box = await self._exits.enter_async_context(BallotBox(dsn))
        place = await self._exits.enter_async_context(PollingPlace(dsn, kek))
        self._polls = Polls(place, time.monotonic)
        self._adapters = adapters(self._settings, place)
        collect_seldom()
        log.info("intake_ready", ways=sorted(self._adapters))

    async def stop(self) -> None:
        """After the last answer."""
        await self._exits.aclose()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        if scope.path == "/healthz":
            answer = said(200, {"status": "ok", "inside": self._inside})
        elif self._inside >= self._inside_max:
            answer = _OVERLOADED
        else:
            self._inside += 1
            try:
                answer = await self._answer(scope, protocol)
            finally:
                self._inside -= 1
        protocol.response_bytes(*answer)

    async def _answer(self, scope: Any, protocol: Any) -> Answer:
        try:
            what, about = route_of(scope.method, scope.path)
            return await self._routes[what](about, scope, protocol)
        except EngineError as fault:
            return refusal(fault)
        except Exception:
            log.exception("intake_broken", path=scope.path)
            return _BROKEN

    # ---- papers ----

    async def _take_paper(self, ballot: str, scope: Any, protocol: Any) -> Answer:
        body: Any = self._papers.read(await _body(scope, protocol))
        known = self._polls.remembered(ballot) or await self._polls.get(ballot)
        key = known.usable_key()
        voter = key.voter(body.voter)
        paper = Paper(
            ballot,
            voter.token,
            key.paper_id(_uuid(body.paper)),
            _places(known, body.choices),
            voter.channel,
            known.poll.now(self._clock()),
            key.trace(self._network(scope), body.device) if known.poll.traced else NO_TRACE,
            voter.day,
        )
        try:
            taken = await self._box.submit(paper)
        except Conflict as fault:
            # By the id that the voter has: the box's own, beside receipt and leaf, would show anybody what was chosen.
            raise Conflict(fault.code, **fault.facts | {"command_id": body.paper}) from None
        return receipt(ballot, taken.id, taken.leaf, repeated=taken.repeated)

    async def _show_receipt(self, id: str, scope: Any, protocol: Any) -> Answer:  # noqa: ARG002 -- as every route
        try:
            proof = await self._box.inclusion(id)
        except Refused as fault:
            if fault.code != "TALLY_NOT_SEALED":
                raise
            return said(200, {"receipt": id, "status": "accepted_not_yet_sealed"})
        return said(200, {"receipt": id, "status": "sealed", **proof.model_dump(mode="json")})

    def _network(self, scope: Any) -> str:
        """The network that a request comes from: by our proxy's word where there is one, else the connection's own."""
        header = self._settings.web_sender_header
        if header:
            return network_of(scope.headers.get(header) or "")
        return network_of(scope.client.rpartition(":")[0].strip("[]"))

    # ---- voters ----

    async def _identify(self, ballot: str, scope: Any, protocol: Any) -> Answer:
        adapter, known, asked = await self._asked(ballot, scope, protocol)
        identity = await adapter.vouch(asked)
        day, _ = day_and_minute(known.poll.now(asked.now))
        voter = Voter(asked.key.token(identity.kind, identity.value), identity.channel, day)
        until = format_instant(day_begin(day + 1))
        return said(201, {"voter": asked.key.voter_pass(voter), "expires_at": until})

    async def _challenge(self, ballot: str, scope: Any, protocol: Any) -> Answer:
        adapter, _, asked = await self._asked(ballot, scope, protocol)
        if not isinstance(adapter, ChallengingAdapter):
            raise Refused("IDENTITY_REFUSED", fault=f"{adapter.by}: no challenge · 无需此步")
        return said(201, {"challenge": await adapter.challenge(asked)})

    async def _asked(self, ballot: str, scope: Any, protocol: Any) -> tuple[IdentityAdapter, Known, Asked]:
        body: Any = self._proofs.read(await _body(scope, protocol))
        adapter = self._adapters.get(body.by)
        if adapter is None:
            raise Refused("IDENTITY_REFUSED", fault=f"{body.by} → {', '.join(sorted(self._adapters))}")
        known = await self._polls.get(ballot)
        key = known.usable_key()
        if known.poll.status == "closed":
            raise Refused("BALLOT_CLOSED", ballot=ballot)
        return adapter, known, Asked(key, body.proof, self._clock(), self._network(scope))

    # ---- what everybody may see ----

    async def _show_ballot(self, ballot: str, scope: Any, protocol: Any) -> Answer:  # noqa: ARG002 -- as every route
        poll = (await self._polls.get(ballot)).poll
        return said(
            200,
            {
                "ballot": ballot,
                "status": poll.status,
                "opens_at": poll.opens_at and format_instant(poll.opens_at),
                "closes_at": poll.closes_at and format_instant(poll.closes_at),
                "rules": poll.rules,
                "ways": sorted(self._adapters),
                "provisional": poll.provisional,
                "sealed": None if poll.root is None else {"papers": poll.papers, "root": poll.root},
            },
        )

    async def _do_nothing(self, about: str, scope: Any, protocol: Any) -> Answer:  # noqa: ARG002 -- as every route
        await _body(scope, protocol)
        return _NOTHING

    async def _show_page(self, path: str, scope: Any, protocol: Any) -> Answer:  # noqa: ARG002 -- as every route
        return _page(path)


def create() -> Intake:
    """What granian calls in each of its processes."""
    return Intake(Settings())


@lru_cache(maxsize=4096)
def route_of(method: str, path: str) -> tuple[str, str]:
    """What is asked, and about which ballot, receipt or page; a ballot's slashes may stand as they are, or as %2F.

    Raises BadUsage NO_SUCH_ROUTE, METHOD_NOT_ALLOWED.
    """
    plain = unquote(path)
    if "\x00" in plain:  # which no text in Postgres holds
        raise BadUsage("NO_SUCH_ROUTE", path=plain.replace("\x00", "%00"))
    what, about = _place_of(plain)
    wanted = "POST" if what in ("papers", "voters", "challenges", "noop") else "GET"
    head = method == "HEAD" and wanted == "GET"  # whose answer the server sends without its body
    if method != wanted and not head:
        allowed = "GET, HEAD" if wanted == "GET" else wanted
        raise BadUsage("METHOD_NOT_ALLOWED", method=method, path=plain, allowed=allowed)
    return f"{wanted} {what}", about


def _place_of(path: str) -> tuple[str, str]:
    if path in _PAGES:
        return "page", path
    if path == "/noop":
        return "noop", ""
    _, _, rest = path.partition("/")
    noun, _, about = rest.partition("/")
    if noun == "receipts" and about:
        return "receipt", about
    if noun == "ballots" and about:
        ballot, _, last = about.rpartition("/")
        return (last, ballot) if last in ("papers", "voters", "challenges") else ("ballot", about)
    raise BadUsage("NO_SUCH_ROUTE", path=path)


@lru_cache(maxsize=65_536)
def network_of(address: str) -> str:
    """The /24 or /48 that an address is in; empty for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed  # IPv4 on a socket that hears both
    return str(ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


@lru_cache(maxsize=len(_PAGES))
def _page(path: str) -> Answer:
    name, content_type = _PAGES[path]
    return page((_STATIC / name).read_bytes(), content_type)


async def _body(scope: Any, protocol: Any) -> bytes:
    """The whole body; BadUsage NOT_JSON, LENGTH_MISSING, BODY_TOO_LARGE before any of it is read."""
    headers = scope.headers
    kind, _, _ = (headers.get("content-type") or "").partition(";")
    if kind.strip().lower() != "application/json":
        raise BadUsage("NOT_JSON")
    length = headers.get("content-length") or ""
    if not length.isdecimal():
        raise BadUsage("LENGTH_MISSING")
    if int(length) > BODY_MAX:
        raise BadUsage("BODY_TOO_LARGE", maximum=BODY_MAX)
    try:
        raw: bytes = await protocol()
    except ProtocolClosed:  # as telephones do all day long; nobody is left to be answered
        raise BadUsage("BODY_MALFORMED", fault="cut off") from None
    return raw


def _uuid(written: str) -> bytes:
    try:
        raw = bytes.fromhex(written.replace("-", ""))  # a tenth of what UUID(written) costs
    except ValueError:
        raw = b""
    if len(raw) != _UUID_BYTES:
        raise BadUsage("BODY_MALFORMED", fault="$.paper: UUID")
    return raw


def _places(known: Known, choices: list[str]) -> tuple[int, ...]:
    """Where on the paper the chosen stand; Refused NOT_A_CANDIDATE."""
    try:
        return tuple([known.place[one] for one in choices])
    except KeyError:
        raise Refused("NOT_A_CANDIDATE", choices="、".join(choices)) from None
