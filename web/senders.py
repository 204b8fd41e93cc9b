"""What the intake saw of a paper's sender, for the rules against stuffing: keyed hashes, never an address (DR-23)."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

from schemas.traces import PaperTrace
from store.voter_keys import VoterKey


def trace_of(key: VoterKey, scope: Any, device: str, proxies: int) -> PaperTrace:
    """The network of whoever called, and the device that their page named; `proxies` are before us and believed."""
    network = network_of(_caller(scope, proxies))
    return PaperTrace(
        network=key.sender(b"network", network) if network else b"",
        device=key.sender(b"device", device.encode()) if device else b"",
    )


@lru_cache(maxsize=65_536)
def network_of(address: str) -> bytes:
    """The /24 of an IPv4 address, the /48 of an IPv6 one; empty for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return b""
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return parsed.packed[:6]
        parsed = parsed.ipv4_mapped
    return parsed.packed[:3]


def _caller(scope: Any, proxies: int) -> str:
    """The address before so many proxies of ours: what was forwarded before that, anybody can write."""
    peer: str = scope.client.rpartition(":")[0].strip("[]")
    if not proxies:
        return peer
    hops = [hop.strip() for hop in (scope.headers.get("x-forwarded-for") or "").split(",")]
    return [*hops, peer][-1 - proxies] if len(hops) >= proxies else ""
