"""Who is let in, who is not, and with which words."""

import hashlib
import hmac
import json
import secrets
import subprocess
import threading
import time

import pytest

from cryptography.hazmat.primitives import serialization

from lib.api import exchange
from lib.contract import CONTRACT
from lib.issuer import FORGER, ORIGIN, REMOVED, b64u, encode_json
from lib.server import OTHER_ORIGIN, ROOT, free_port

LIST = "/api/notebooks"
MISSING = "Missing authorization header. Please sign in."
FORMAT = "Invalid authorization header format. Expected 'Bearer <token>'."
EXPIRED = "Token has expired. Please sign in again."
NO_SUBJECT = "Invalid token: missing user ID (sub claim)"

ROUTES = [tuple(route.split(" ")) for route in CONTRACT.routes() if "/api/" in route]
PUBLIC = {("GET", "/api/auth/health")} | {
    route for route in ROUTES if "/webhooks/" in route[1]
}
REST_ROUTES = [
    route
    for route in ROUTES
    if not route[1].startswith("/api/ws/") and route not in PUBLIC
]


def fetch(server, *authorizations):
    headers = [("Authorization", value) for value in authorizations]
    return server.api().send("GET", LIST, headers=headers)


def refused(answer, text=None):
    assert answer.status == 401, answer.text
    if text is not None:
        assert answer.detail == text
    return True


# --- the header ---
@pytest.mark.parametrize("method, path", REST_ROUTES)
def test_every_route_wants_a_token(server, method, path):
    target = path.format(notebook_id="demo", cell_id="x")
    refused(server.api().send(method, target), MISSING)


@pytest.mark.parametrize(
    "value", ["Bearer", "Basic abc", "Token abc", "abc", "Bearer a b", "Bearer, abc"]
)
def test_a_header_of_another_form_is_refused(server, value):
    refused(fetch(server, value), FORMAT)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_in_any_case(server, alice, scheme):
    assert fetch(server, f"{scheme} {alice.token}").status == 200


def test_two_authorization_headers_are_refused(server, alice, bob):
    for second in (bob.token, alice.token, "junk"):
        answer = fetch(server, f"Bearer {alice.token}", f"Bearer {second}")
        assert answer.status in (400, 401)


def test_a_cookie_signs_nobody_in(server, alice):
    headers = [("Cookie", f"__session={alice.token}")]
    refused(server.api().send("GET", LIST, headers=headers), MISSING)


def test_a_token_in_the_query_signs_nobody_in_over_rest(server, alice):
    refused(server.api().send("GET", f"{LIST}?token={alice.token}"), MISSING)


# --- the token's form ---
def hs256(issuer, user):
    """Signed with the public key as if it were a shared secret."""
    pem = issuer.key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = encode_json(issuer.header(alg="HS256"))
    signed = f"{header}.{encode_json(issuer.claims(user))}"
    return f"{signed}.{b64u(hmac.new(pem, signed.encode(), hashlib.sha256).digest())}"


def with_payload(issuer, payload):
    return issuer.sign(encode_json(issuer.header()), b64u(payload))


def with_header(issuer, user, header):
    return issuer.sign(b64u(header), encode_json(issuer.claims(user)))


def resigned(token, change):
    head, payload, signature = token.split(".")
    return f"{head}.{payload}.{change(signature)}"


def changed_payload(issuer, user):
    head, _, signature = issuer.token(user).split(".")
    return f"{head}.{encode_json(issuer.claims('user_other'))}.{signature}"


def non_canonical(signature):
    """The same bytes, spelled with other unused bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(signature[-1])
    return signature[:-1] + alphabet[last ^ 1]


FORGED = {
    "nothing": lambda i, u: ".",
    "two dots": lambda i, u: "..",
    "one segment": lambda i, u: "abc",
    "two segments": lambda i, u: i.token(u).rsplit(".", 1)[0],
    "four segments": lambda i, u: i.token(u) + ".abc",
    "no signature": lambda i, u: resigned(i.token(u), lambda s: ""),
    "half a signature": lambda i, u: resigned(i.token(u), lambda s: s[:170]),
    "a longer signature": lambda i, u: resigned(i.token(u), lambda s: s + "AAAA"),
    "one bit off": lambda i, u: resigned(
        i.token(u), lambda s: ("B" if s[0] == "A" else "A") + s[1:]
    ),
    "non-canonical base64": lambda i, u: resigned(i.token(u), non_canonical),
    "padded base64": lambda i, u: i.token(u) + "==",
    "standard base64": lambda i, u: resigned(i.token(u), lambda s: "+/" + s[2:]),
    "another payload": changed_payload,
    "another key": lambda i, u: i.token(u, key=FORGER),
    "alg none": lambda i, u: encode_json(i.header(alg="none"))
    + f".{encode_json(i.claims(u))}.",
    "alg none, signed": lambda i, u: i.token(u, {"alg": "none"}),
    "alg HS256 with the public key": hs256,
    "alg RS512": lambda i, u: i.token(u, {"alg": "RS512"}),
    "alg in lower case": lambda i, u: i.token(u, {"alg": "rs256"}),
    "alg missing": lambda i, u: i.token(u, {"alg": REMOVED}),
    "alg a number": lambda i, u: i.token(u, {"alg": 256}),
    "kid missing": lambda i, u: i.token(u, {"kid": REMOVED}),
    "kid a list": lambda i, u: i.token(u, {"kid": [i.key.kid]}),
    "kid unknown": lambda i, u: i.token(u, {"kid": "ins_unknown"}),
    "crit": lambda i, u: i.token(u, {"crit": ["exp"], "exp": 1}),
    "header no object": lambda i, u: with_header(i, u, b'["RS256"]'),
    "header no JSON": lambda i, u: with_header(i, u, b"{alg: RS256}"),
    "header with a name twice": lambda i, u: with_header(
        i, u, b'{"alg":"none",' + json.dumps(i.header()).encode()[1:]
    ),
    "payload no object": lambda i, u: with_payload(i, b'["a"]'),
    "payload no JSON": lambda i, u: with_payload(i, b"sub=me"),
    "payload no UTF-8": lambda i, u: with_payload(i, b'{"sub":"\xff"}'),
    "payload with a name twice": lambda i, u: with_payload(
        i, b'{"sub":"user_x",' + json.dumps(i.claims(u)).encode()[1:]
    ),
    "very long": lambda i, u: i.token(u, padding="x" * 40_000),
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_token_is_refused(server, issuer, alice, kind):
    answer = fetch(server, f"Bearer {FORGED[kind](issuer, alice.id)}")
    refused(answer)
    assert answer.detail.startswith("Invalid token: ")


@pytest.mark.parametrize("junk", ["a\x01b", "\xe9\xe9.\xe9.\xe9", "%41.%41.%41", "🔑"])
def test_bytes_that_no_token_has_are_refused(server, junk):
    value = b"Bearer " + junk.encode()
    answer = exchange(server.address, "GET", LIST, None, [("Authorization", value)])
    assert answer.status in (400, 401)


# --- the claims ---
def now():
    return int(time.time())


REFUSED_CLAIMS = {
    "exp missing": {"exp": REMOVED},
    "exp a string": {"exp": "9999999999"},
    "exp null": {"exp": None},
    "exp beyond any date": {"exp": 1e20},
    "nbf a minute ahead": {"nbf": lambda: now() + 60},
    "nbf a string": {"nbf": "0"},
    "iat a minute ahead": {"iat": lambda: now() + 60},
    "iss missing": {"iss": REMOVED},
    "iss of somebody else": {"iss": "https://clerk.example"},
    "iss with a slash more": {"iss": lambda i: i.url + "/"},
    "iss a list": {"iss": lambda i: [i.url]},
    "azp missing": {"azp": REMOVED},
    "azp empty": {"azp": ""},
    "azp of another site": {"azp": "https://evil.example"},
    "azp a prefix": {"azp": "http://localhost:517"},
    "azp that is only an allowed origin": {"azp": OTHER_ORIGIN},
    "sub missing": {"sub": REMOVED},
    "sub empty": {"sub": ""},
    "sub a number": {"sub": 5},
    "sub with a NUL": {"sub": "user_\x00admin"},
    "sts pending": {"sts": "pending"},
    "sts unknown": {"sts": "odd"},
    "a machine": {"sub": "mch_2xhFjEI5X2qWRvtV13BzSj8H6Dk"},
}
REFUSED_HEADERS = {
    "cat of a template": {"cat": "cl_B7d4PD222AAA"},
    "cat of a machine": {"cat": "cl_B7d4PD333AAA"},
    "cat unknown": {"cat": "cl_other"},
    "typ of an OAuth token": {"typ": "at+jwt"},
    "typ odd": {"typ": "JOSE"},
}


def evaluate(claims, issuer):
    """Claims that depend on the time or on the issuer are functions."""

    def value(v):
        if not callable(v):
            return v
        return v(issuer) if v.__code__.co_argcount else v()

    return {name: value(v) for name, v in claims.items()}


@pytest.mark.parametrize("kind", REFUSED_CLAIMS)
def test_claims_that_do_not_hold_are_refused(server, issuer, alice, kind):
    claims = evaluate(REFUSED_CLAIMS[kind], issuer)
    user = claims.pop("sub", alice.id)
    answer = fetch(server, f"Bearer {issuer.token(alice.id, **claims, sub=user)}")
    refused(answer)
    assert answer.detail.startswith("Invalid token: ")
    if kind in ("sub missing", "sub empty"):
        assert answer.detail == NO_SUBJECT


@pytest.mark.parametrize("kind", REFUSED_HEADERS)
def test_a_token_of_another_kind_is_refused(server, issuer, alice, kind):
    token = issuer.token(alice.id, REFUSED_HEADERS[kind])
    refused(fetch(server, f"Bearer {token}"))


@pytest.mark.parametrize("ago", [10, 60, 10**6])
def test_an_expired_token_is_told_so(server, issuer, alice, ago):
    token = issuer.token(alice.id, exp=now() - ago, iat=now() - ago - 60)
    refused(fetch(server, f"Bearer {token}"), EXPIRED)


def test_a_token_that_was_good_is_refused_once_it_has_expired(server, issuer, alice):
    token = issuer.token(alice.id, exp=now() - 3)
    assert fetch(server, f"Bearer {token}").status == 200
    time.sleep(3.2)
    refused(fetch(server, f"Bearer {token}"), EXPIRED)


ACCEPTED = {
    "an expiry within the skew": ({}, {"exp": lambda: now() - 2}),
    "a clock that is a little ahead": ({}, {"iat": lambda: now() + 3}),
    "no nbf": ({}, {"nbf": REMOVED}),
    "no session": ({}, {"sid": REMOVED}),
    "no status": ({}, {"sts": REMOVED}),
    "no category": ({"cat": REMOVED}, {}),
    "no typ": ({"typ": REMOVED}, {}),
    "an unknown header": ({"oiat": 5}, {}),
    "an organization": ({}, {"o": {"id": "org_x", "rol": "admin", "slg": "x"}}),
    "the first version's claims": ({}, {"v": REMOVED, "org_id": "org_x"}),
    "somebody acting for the user": ({}, {"act": {"sub": "user_admin"}}),
    "an audience": ({}, {"aud": "anything"}),
    "many claims": ({}, {"metadata": {"text": "x" * 8000}}),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_a_token_may_have(server, issuer, alice, kind):
    header, claims = ACCEPTED[kind]
    token = issuer.token(alice.id, header, **evaluate(claims, issuer))
    assert fetch(server, f"Bearer {token}").status == 200


def test_the_offline_clerk_signs_in_like_the_real_one(own_server, tmp_path):
    state, url = tmp_path / "state", f"http://localhost:{free_port()}"
    issuer = f"{url}/__clerk"
    cli = [ROOT / "web/dev/clerk-fapi/cli.mjs", "--port", url.rsplit(":", 1)[1]]
    clerk = subprocess.Popen(
        ["node", *cli, "--state-dir", state], stdout=subprocess.PIPE, text=True
    )
    try:
        assert "offline Clerk" in clerk.stdout.readline()
        server = own_server(
            None,
            CLERK_JWKS_URL=f"{issuer}/.well-known/jwks.json",
            CLERK_ISSUER=issuer,
        )
        command = [ROOT / "scripts/token", "ada@example.com", "--state-dir", state]
        command += ["--issuer", issuer]
        token = subprocess.check_output(command, text=True).strip()
        names = [n["id"] for n in server.api(token).list()]
        assert names[0].startswith("blank-user_")
        other = subprocess.check_output([*command, "--origin", OTHER_ORIGIN], text=True)
        assert server.api(other.strip()).send("GET", LIST).status == 401
    finally:
        clerk.terminate()
        clerk.wait(10)


# --- settings ---
def test_a_missing_azp_passes_only_when_that_is_asked_for(own_server, issuer, alice):
    server = own_server(issuer, CLERK_AZP_OPTIONAL="1")
    without = issuer.token(alice.id, azp=REMOVED)
    assert fetch(server, f"Bearer {without}").status == 200
    wrong = issuer.token(alice.id, azp="https://evil.example")
    refused(fetch(server, f"Bearer {wrong}"))


def pem_of(key):
    return key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def test_a_key_from_the_environment_needs_no_key_server(own_server, issuer, alice):
    pem = pem_of(issuer.key).decode().strip().replace("\n", "\\n")
    server = own_server(None, CLERK_JWT_KEY=pem, CLERK_ISSUER=issuer.url)
    before = issuer.fetches
    assert fetch(server, f"Bearer {alice.token}").status == 200
    forged = issuer.token(alice.id, key=FORGER)
    refused(fetch(server, f"Bearer {forged}"))
    assert issuer.fetches == before


# --- keys that come and go ---
def impatient(own_server, issuer):
    """A server that asks again soon and does not wait long."""
    return own_server(issuer, CLERK_JWKS_COOLDOWN_S="1", CLERK_JWKS_TIMEOUT_MS="1000")


def eventually(check, seconds=8):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)


def test_without_any_key_the_answer_is_503_until_there_is_one(
    own_server, own_issuer, new_user
):
    server = impatient(own_server, own_issuer)
    token = new_user(own_issuer).token
    for mode in ("down", "garbage", "dropped", "weak"):
        own_issuer.mode, asked = mode, own_issuer.fetches

        def asked_in_vain():
            answer = fetch(server, f"Bearer {token}")
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) >= 1
            return own_issuer.fetches > asked

        eventually(asked_in_vain)
    refused(server.api().send("GET", LIST), MISSING)
    own_issuer.mode = "normal"
    eventually(lambda: fetch(server, f"Bearer {token}").status == 200)


def test_a_slow_key_server_delays_nobody_else(own_server, own_issuer, new_user):
    own_issuer.mode, own_issuer.delay_s = "slow", 3
    server = impatient(own_server, own_issuer)
    token = new_user(own_issuer).token
    started = time.monotonic()
    assert fetch(server, f"Bearer {token}").status == 503, "too slow"
    assert time.monotonic() - started < 2.5
    time.sleep(1)
    own_issuer.delay_s, asked = 0.6, own_issuer.fetches
    answers = []
    waiting = [
        threading.Thread(
            target=lambda: answers.append(fetch(server, f"Bearer {token}").status)
        )
        for _ in range(5)
    ]
    for thread in waiting:
        thread.start()
    started = time.monotonic()
    server.api().ok("GET", "/health")
    assert time.monotonic() - started < 0.4
    for thread in waiting:
        thread.join()
    assert answers == [200] * 5
    assert own_issuer.fetches == asked + 1, "all wait for one fetch"


def test_known_keys_outlive_an_outage(own_server, own_issuer, new_user):
    server = impatient(own_server, own_issuer)
    first, second = new_user(own_issuer), new_user(own_issuer)
    assert fetch(server, f"Bearer {first.token}").status == 200
    own_issuer.mode = "down"
    assert fetch(server, f"Bearer {second.token}").status == 200
    forged = own_issuer.token(first.id, key=FORGER)
    refused(fetch(server, f"Bearer {forged}"))


def test_a_new_key_is_fetched_when_it_is_first_used(own_server, own_issuer, new_user):
    server = impatient(own_server, own_issuer)
    user = new_user(own_issuer)
    assert fetch(server, f"Bearer {user.token}").status == 200
    old = user.token
    for same_name in (False, True):
        own_issuer.rotate(own_issuer.key.kid if same_name else None)
        new = own_issuer.token(user.id)
        eventually(lambda: fetch(server, f"Bearer {new}").status == 200)
        eventually(lambda: fetch(server, f"Bearer {old}").status == 401)
        old = new


def test_unknown_keys_do_not_flood_the_key_server(own_server, own_issuer, new_user):
    server = own_server(own_issuer)
    user = new_user(own_issuer)
    assert fetch(server, f"Bearer {user.token}").status == 200
    for _ in range(60):
        kid = "ins_" + secrets.token_hex(12)
        refused(fetch(server, f"Bearer {own_issuer.token(user.id, {'kid': kid})}"))
    assert own_issuer.fetches <= 2


# --- cross-origin requests ---
def preflight(server, origin, path=LIST):
    headers = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "authorization,content-type"),
    ]
    return server.api().send("OPTIONS", path, headers=headers)


@pytest.mark.parametrize("origin", [ORIGIN, OTHER_ORIGIN])
def test_a_preflight_from_an_allowed_origin_passes(server, origin):
    answer = preflight(server, origin, "/api/notebooks/x/name")
    assert (answer.status, answer.text) == (200, "OK")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-credentials"] == "true"
    methods = answer.headers["access-control-allow-methods"].split(", ")
    assert {"GET", "PUT", "POST", "DELETE"} <= set(methods)
    allowed = answer.headers["access-control-allow-headers"].replace(" ", "").lower()
    assert {"authorization", "content-type"} <= set(allowed.split(","))
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", ORIGIN + "0", ORIGIN + "/", "*"]
)
def test_a_preflight_from_another_origin_does_not(server, origin):
    answer = preflight(server, origin)
    assert (answer.status, answer.text) == (400, "Disallowed CORS origin")
    assert "access-control-allow-origin" not in answer.headers


def test_answers_and_errors_carry_the_cors_headers(server, alice):
    signed_in = server.api(alice.token, origin=ORIGIN)
    stranger = server.api(origin=ORIGIN)
    answers = [
        (200, signed_in.send("GET", LIST)),
        (401, stranger.send("GET", LIST)),
        (404, signed_in.send("GET", "/api/nothing")),
        (404, signed_in.send("GET", "/api/notebooks/nothing")),
        (405, signed_in.send("PATCH", LIST)),
        (422, signed_in.send("PUT", "/api/notebooks/x/name", b"{")),
        (200, stranger.send("GET", "/health")),
    ]
    for status, answer in answers:
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "Origin" in answer.headers["vary"]


def test_another_origin_gets_no_cors_headers(server, alice):
    answer = server.api(alice.token, origin="https://evil.example").send("GET", LIST)
    assert "access-control-allow-origin" not in answer.headers


def test_no_token_is_ever_written_to_the_log(server, issuer, alice):
    tokens = [alice.token, issuer.token(alice.id, key=FORGER)]
    for token in tokens:
        fetch(server, f"Bearer {token}")
        server.api().send("GET", f"{LIST}?token={token}")
    log = server.log.read_text()
    assert LIST in log
    for part in [part for token in tokens for part in token.split(".")]:
        assert part[:40] not in log
