"""A provider of OpenID Connect over real HTTP: discovery, authorisation, tokens, keys, and how each may go wrong."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "zonedesk-test", "s3cret-of-the-client"
Json = dict[str, Any]  # Any: whatever JSON can hold


class Provider:
    """Knows one person and signs in whoever asks; what its tokens say can be changed for a test.

    `claims` replace what a token says (None takes a claim away), `sign` replaces how it is signed, `facts` replace what
    discovery says, `redirected` are parameters added on the way back.
    """

    def __init__(self, now: float) -> None:
        self.now = now
        self.key = ECKey.generate_key("P-256", {"kid": "one", "use": "sig", "alg": "ES256"})
        self.published: list[Any] = [self.key]  # Any: keys of several kinds
        self.claims: Json = {}
        self.facts: Json = {}
        self.redirected: Json = {}
        self.header: Json = {"alg": "ES256", "kid": "one"}
        self.signer: Any = self.key  # Any: as above
        self.refuses = False
        self.asked: list[str] = []
        self._codes: dict[str, Json] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def discovery(self) -> Json:
        ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/jwks"}
        return {"issuer": self.issuer, **{k: f"{self.issuer}{v}" for k, v in ends.items()}, **self.facts}

    def keys(self) -> Json:
        return {"keys": [key.as_dict(private=False) for key in self.published]}

    def authorise(self, query: dict[str, str]) -> str:
        """Return where the browser is sent back to."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        if self.refuses:
            back = {"error": "access_denied", "error_description": "<b>no</b>", "state": query["state"]}
        else:
            code = secrets.token_urlsafe(8)
            self._codes[code] = query
            back = {"code": code, "state": query["state"], **self.redirected}
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str], authorisation: str) -> Json | None:
        """Return the tokens for a code, None where the request is not what RFC 6749 and 7636 want."""
        asked = self._codes.pop(form.get("code", ""), None)
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or authorisation != f"Basic {known}"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() != asked["code_challenge"]
        ):
            return None
        return {
            "access_token": "at",
            "token_type": "Bearer",
            "expires_in": 60,
            "id_token": self._signed(asked["nonce"]),
        }

    def _signed(self, nonce: str) -> str:
        said = {
            "iss": self.issuer, "aud": CLIENT, "sub": "person-1", "email": "owner@example.com", "email_verified": True,
            "iat": int(self.now), "exp": int(self.now) + 300, "nonce": nonce, **self.claims,
        }  # fmt: skip
        said = {name: value for name, value in said.items() if value is not None}
        if self.header["alg"] in {"ES256", "RS256"}:
            return jwt.encode(self.header, said, self.signer, algorithms=["ES256", "RS256"])
        # What a careless reader takes: no signature, or one by the public key as if it were a secret.
        body = ".".join(_encoded(json.dumps(part).encode()) for part in (self.header, said))
        public = self.key.as_pem(private=False)
        return (
            f"{body}.{_encoded(hmac.digest(public, body.encode(), 'sha256')) if self.header['alg'] == 'HS256' else ''}"
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                provider.asked.append(parts.path)
                if parts.path == "/authorize":
                    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                    self.send_response(302)
                    self.send_header("location", provider.authorise(query))
                    self.end_headers()
                    return
                found = {"/.well-known/openid-configuration": provider.discovery, "/jwks": provider.keys}.get(
                    parts.path
                )
                self._answer(found() if found else None)

            def do_POST(self) -> None:
                provider.asked.append(self.path)
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self._answer(provider.token(form, self.headers.get("authorization", "")))

            def log_message(self, *_words: object) -> None:
                """Say nothing."""

            def _answer(self, found: Json | None) -> None:
                body = json.dumps(found or {"error": "invalid_grant"}).encode()
                self.send_response(200 if found else 400)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler


def other_key() -> ECKey:
    """A key that nobody published, under the name of the one that is."""
    return ECKey.generate_key("P-256", {"kid": "one"})


def rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "two", "use": "sig", "alg": "RS256"})


def _encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()
