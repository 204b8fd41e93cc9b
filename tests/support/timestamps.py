"""A small time-stamp authority (RFC 3161) over HTTP, with a root, a certificate and keys of its own.

It answers well, or in one of the ways in which an authority's answer can be wrong. DER is written here by hand: what
reads it is the library under test, and `openssl ts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from rfc3161_client._rust import parse_timestamp_request

INTEGER, OCTETS, OID, TIME, SEQUENCE, SET, TAGGED = 0x02, 0x04, 0x06, 0x18, 0x30, 0x31, 0xA0
SHA256, SHA384 = (bytes.fromhex(f"60864801650304020{n}") for n in (1, 2))
ECDSA_BY_SHA256 = bytes.fromhex("2a8648ce3d040302")
SIGNED_DATA, CONTENT_TYPE, DIGEST = (
    bytes.fromhex(f"2a864886f70d01{end}") for end in ("0702", "0903", "0904")
)
TST_INFO, SIGNER = (bytes.fromhex(f"2a864886f70d010910{end}") for end in ("0104", "022f"))
SINCE, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)


class Wrong(StrEnum):
    """How an answer is wrong."""

    IMPRINT = "of another text"
    HASH = "of another hash function"
    NONCE = "to another question"
    SIGNATURE = "signed by somebody else"
    ROOT = "of an authority that nobody trusts"
    REFUSAL = "a refusal"
    RUBBISH = "no answer"
    STATUS = "a server's fault"
    NO_HTTP = "not even HTTP"
    SILENCE = "none at all"


class Authority:
    """`answers` says how the next answers are wrong, `slow_seconds` how long they take, `asked` counts the questions."""

    def __init__(self) -> None:
        self._root_key, self._key, self.stranger = (generate_private_key(SECP256R1()) for _ in range(3))
        self.root = certified("root.test", self._root_key, self._root_key)
        self.certificate = certified("tsa.test", self._key, self._root_key)
        self.answers: Wrong | None = None
        self.slow_seconds = 0.0
        self.asked = 0
        self.heard, self.closed = Event(), Event()

    @property
    def pem(self) -> bytes:
        return self.root.public_bytes(Encoding.PEM)

    def token(
        self,
        imprint: bytes,
        nonce: int | None = None,
        key: EllipticCurvePrivateKey | None = None,
        hash_: bytes = SHA256,
    ) -> bytes:
        """A TimeStampResp on that hash as of now, by `key` in the name of this authority."""
        algorithm = der(SEQUENCE, der(OID, SHA256))
        info = der(
            SEQUENCE,
            number(1),
            der(OID, bytes.fromhex("2a0304")),
            der(SEQUENCE, der(SEQUENCE, der(OID, hash_)), der(OCTETS, imprint)),
            number(7),
            der(TIME, datetime.now(UTC).strftime("%Y%m%d%H%M%SZ").encode()),
            b"" if nonce is None else number(nonce),
        )
        certificate = self.certificate.public_bytes(Encoding.DER)
        signed = sorted(
            der(SEQUENCE, der(OID, kind), der(SET, value))
            for kind, value in (
                (CONTENT_TYPE, der(OID, TST_INFO)),
                (DIGEST, der(OCTETS, sha256(info).digest())),
                (SIGNER, nested(der(OCTETS, sha256(certificate).digest()))),
            )
        )
        signer = der(
            SEQUENCE,
            number(1),
            der(SEQUENCE, self.certificate.issuer.public_bytes(), number(self.certificate.serial_number)),
            algorithm,
            der(TAGGED, *signed),
            der(SEQUENCE, der(OID, ECDSA_BY_SHA256)),
            der(OCTETS, (key or self._key).sign(der(SET, *signed), ECDSA(hashes.SHA256()))),
        )
        content = der(SEQUENCE, der(OID, TST_INFO), der(TAGGED, der(OCTETS, info)))
        data = (number(3), der(SET, algorithm), content, der(TAGGED, certificate), der(SET, signer))
        wrapped = der(SEQUENCE, der(OID, SIGNED_DATA), der(TAGGED, der(SEQUENCE, *data)))
        return der(SEQUENCE, der(SEQUENCE, number(0)), wrapped)

    def answer(self, question: bytes) -> bytes:
        """What it says to a TimeStampReq."""
        asked = parse_timestamp_request(question)
        imprint, nonce = asked.message_imprint.message, asked.nonce
        assert asked.cert_req
        assert nonce is not None
        match self.answers:
            case Wrong.IMPRINT:
                return self.token(sha256(imprint).digest(), nonce)
            case Wrong.HASH:
                return self.token(imprint, nonce, hash_=SHA384)
            case Wrong.NONCE:
                return self.token(imprint, nonce + 1)
            case Wrong.SIGNATURE:
                return self.token(imprint, nonce, key=self.stranger)
            case Wrong.ROOT:
                return Authority().token(imprint, nonce)
            case Wrong.REFUSAL:
                return der(SEQUENCE, der(SEQUENCE, number(2)))
            case Wrong.RUBBISH:
                return b"<html>"
            case _:
                return self.token(imprint, nonce)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Its URL, while it is served from a thread."""
        with ThreadingHTTPServer(("127.0.0.1", 0), self._handler()) as server:
            Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/tsr"
            self.closed.set()
            server.shutdown()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                authority.asked += 1
                authority.heard.set()
                authority.closed.wait(authority.slow_seconds)
                assert self.headers["content-type"] == "application/timestamp-query"
                question = self.rfile.read(int(self.headers["content-length"]))
                match authority.answers:
                    case Wrong.SILENCE:
                        authority.closed.wait()
                    case Wrong.NO_HTTP:
                        self.wfile.write(b"what?\r\n\r\n")
                    case Wrong.STATUS:
                        self.send_error(500)
                    case _:
                        self._send(authority.answer(question))

            def _send(self, said: bytes) -> None:
                self.send_response(200)
                self.send_header("content-type", "application/timestamp-reply")
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_said: Any) -> None:
                """Nothing: a test's own output is enough."""

        return Handler


def certified(
    name: str, key: EllipticCurvePrivateKey, issuer_key: EllipticCurvePrivateKey
) -> x509.Certificate:
    """A certificate by root.test: its own, or one for time-stamping alone."""
    is_root = key is issuer_key
    subject, issuer = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, "root.test")
    )
    made = x509.CertificateBuilder(
        issuer, subject, key.public_key(), x509.random_serial_number(), SINCE, UNTIL
    ).add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
    if not is_root:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        made = made.add_extension(usage, critical=True)
    return made.sign(issuer_key, hashes.SHA256())


def der(tag: int, *parts: bytes) -> bytes:
    """One value of ASN.1 by its tag; `parts` are its content."""
    content = b"".join(parts)
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag, *([0x80 + len(size)] if len(content) > 0x7F else []), *size]) + content


def number(value: int) -> bytes:
    return der(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def nested(value: bytes, depth: int = 3) -> bytes:
    """The value in so many sequences, one in the other."""
    return nested(der(SEQUENCE, value), depth - 1) if depth else value
