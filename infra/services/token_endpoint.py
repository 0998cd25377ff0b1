"""Issues OAuth tokens for client credentials (RFC 6749, 4.4) on 127.0.0.1, for the tests of OAUTHBEARER.

    token_endpoint.py PORT KEY CLIENT:SECRET …

`POST /token` answers with a token of five minutes, signed with the key; `POST /token/SECONDS` with one that lasts as long.
Credentials come by HTTP basic authentication or in the form. The subject of a token is the client's id.
"""

import base64
import json
import subprocess
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ISSUER = "pelton-infra"
AUDIENCE = "kafka"
KEY_ID = "pelton"
LIFETIME_S = 300
FORM_BYTES_MAX = 65536


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed_token(key, subject, lifetime_s, scope):
    now = int(time.time())
    header = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + lifetime_s}
    if scope:
        claims["scope"] = scope
    text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    sign = ["openssl", "dgst", "-sha256", "-sign", key]
    return f"{text}.{base64url(subprocess.run(sign, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout)}"


class Endpoint(BaseHTTPRequestHandler):
    key = None
    secrets = {}

    def do_POST(self):
        _, path, *lifetime = self.path.split("/")
        length = min(int(self.headers.get("Content-Length") or 0), FORM_BYTES_MAX)
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        if path != "token" or len(lifetime) > 1:
            return self.answer(404, {"error": "not_found"})
        if form.get("grant_type") != "client_credentials":
            return self.answer(400, {"error": "unsupported_grant_type"})
        client, secret = self.credentials(form)
        if client not in self.secrets or self.secrets[client] != secret:
            return self.answer(401, {"error": "invalid_client", "error_description": "unknown client or wrong secret"})
        lifetime_s = int(lifetime[0]) if lifetime else LIFETIME_S
        token = signed_token(self.key, client, lifetime_s, form.get("scope", ""))
        self.answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": lifetime_s})

    def credentials(self, form):
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return form.get("client_id"), form.get("client_secret")
        client, _, secret = base64.b64decode(encoded).decode().partition(":")
        return urllib.parse.unquote(client), urllib.parse.unquote(secret)

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


if __name__ == "__main__":
    port, Endpoint.key, *clients = sys.argv[1:]
    Endpoint.secrets = dict(client.split(":", 1) for client in clients)
    ThreadingHTTPServer(("127.0.0.1", int(port)), Endpoint).serve_forever()
