"""The web app, served by the real binary from a small build made here."""

import base64
import gzip
import hashlib
import http.client

import pytest

from lib.api import exchange, read_answer
from lib.contract import CONTRACT
from lib.issuer import ORIGIN
from lib.server import run_binary

INDEX = b"<!doctype html><title>Notebook</title><script type=module src=/assets/app-1.js></script>"
SCRIPT = b"export const answer = 42;\n" * 500
STYLE = b"body { margin: 0 }\n" * 100
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CLERK = "clerk.notebook.example"


def build(directory):
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_bytes(INDEX)
    (directory / "favicon.svg").write_bytes(b"<svg/>")
    (directory / "assets" / "app-1.js").write_bytes(SCRIPT)
    (directory / "assets" / "app-1.js.br").write_bytes(b"as if it were brotli")
    (directory / "assets" / "style-2.css").write_bytes(STYLE)
    (directory / ".env").write_bytes(b"SECRET")
    (directory / "secret").symlink_to("/etc/passwd")
    return directory


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    return build(tmp_path_factory.mktemp("web") / "dist")


@pytest.fixture
def web(own_server, issuer, dist):
    return own_server(issuer, WEB_DIR=str(dist))


def get(server, path, method="GET", **headers):
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return exchange(server.address, method, path, headers=named)


def test_the_app_is_served_beside_the_api(web, alice):
    page = get(web, "/", accept=HTML)
    assert (page.status, page.body) == (200, INDEX)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    script = get(web, "/assets/app-1.js")
    assert (script.status, script.body) == (200, SCRIPT)
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert web.api(alice.token).list()
    assert web.api().ok("GET", "/health") == {"status": "ok"}


def test_the_app_has_a_policy_of_its_own(web):
    for path in ("/", "/assets/app-1.js"):
        headers = get(web, path, accept=HTML).headers
        policy = directives(headers["content-security-policy"])
        assert policy["default-src"] == ["'none'"]
        assert policy["script-src"] == ["'self'"]
        assert policy["connect-src"] == ["'self'"]
        assert policy["style-src"] == ["'self'", "'unsafe-inline'"]
        assert policy["worker-src"] == ["'self'", "blob:"]
        assert policy["frame-ancestors"] == policy["object-src"] == ["'none'"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-opener-policy"] == "same-origin-allow-popups"
        assert "strict-transport-security" not in headers
    api = get(web, "/api/nothing").headers
    assert (
        api["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    )
    assert api["cache-control"] == "no-store"


def directives(policy):
    parts = [part.split() for part in policy.split(";")]
    assert len({part[0] for part in parts}) == len(parts)
    return {part[0]: part[1:] for part in parts}


def test_the_policy_names_clerks_host(own_server, issuer, dist):
    key = "pk_live_" + base64.b64encode(f"{CLERK}$".encode()).decode()
    server = own_server(issuer, WEB_DIR=str(dist), CLERK_PUBLISHABLE_KEY=key)
    policy = directives(get(server, "/").headers["content-security-policy"])
    assert f"https://{CLERK}" in policy["script-src"]
    assert policy["connect-src"] == ["'self'", f"https://{CLERK}"]


def test_pages_of_the_app_are_its_index_and_nothing_else_is(web):
    for path in ("/notebooks/1", "/sign-in/factor-one", "/notebooks/a%20b?x=1"):
        page = get(web, path, accept=HTML)
        assert (page.status, page.body) == (200, INDEX), path
        head = get(web, path, "HEAD", accept=HTML)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(INDEX))
    for path in ("/api/nothing", "/health/x", "/assets/gone-3.js", "/robots.txt"):
        missing = get(web, path, accept=HTML)
        assert (missing.status, missing.json()) == (404, {"detail": "Not Found"}), path
    assert get(web, "/notebooks/1", accept="application/json").status == 404
    assert get(web, "/notebooks/1", "POST", accept=HTML).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/.env",
        "/secret",
        "/../dist/.env",
        "/assets/../.env",
        "/assets/..%2f.env",
        "/assets/%2e%2e/.env",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/etc/passwd",
        "/index.html%00.svg",
        "/assets/app-1.js.br",
        "/assets/",
        "/assets",
        "/index.html/",
        "/assets\\app-1.js",
    ],
)
def test_no_path_reaches_the_file_system(web, path):
    answer = get(web, path, accept="*/*")
    assert answer.status in (400, 404)
    assert answer.headers["content-type"] == "application/json"
    assert "location" not in answer.headers


def test_what_the_client_takes_is_compressed(web):
    plain = get(web, "/assets/style-2.css")
    packed = get(web, "/assets/style-2.css", accept_encoding="gzip, deflate, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body == STYLE
    built = get(web, "/assets/app-1.js", accept_encoding="gzip, deflate, br")
    assert built.headers["content-encoding"] == "br"
    assert built.body == b"as if it were brotli"
    refused = get(web, "/assets/style-2.css", accept_encoding="gzip;q=0, br;q=0")
    assert "content-encoding" not in refused.headers and refused.body == STYLE
    for answer in (plain, packed, built, refused):
        assert answer.headers["vary"] == "Accept-Encoding"
        assert int(answer.headers["content-length"]) == len(answer.body)
    tags = {answer.headers["etag"] for answer in (plain, packed)}
    assert len(tags) == 2 and refused.headers["etag"] == plain.headers["etag"]


def test_what_the_client_has_is_not_sent_again(web):
    connection = http.client.HTTPConnection(*web.address, timeout=10)
    connection.request("GET", "/")
    first = read_answer(connection.getresponse())
    etag = first.headers["etag"]
    for method in ("GET", "HEAD"):
        for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            connection.request(method, "/", headers={"If-None-Match": known})
            again = read_answer(connection.getresponse())
            assert (again.status, again.body) == (304, b""), known
            assert again.headers["etag"] == etag
            assert again.headers["cache-control"] == "no-cache"
            assert again.headers["vary"] == "Accept-Encoding"
    connection.request("GET", "/", headers={"If-None-Match": '"other"'})
    assert read_answer(connection.getresponse()).body == INDEX
    connection.close()


def test_files_are_for_reading_only(web):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = get(web, "/favicon.svg", method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
        assert answer.json() == {"detail": "Method Not Allowed"}
    options = get(web, "/favicon.svg", "OPTIONS")
    assert (options.status, options.headers["allow"]) == (204, "GET, HEAD")


def test_what_changes_on_the_disk_is_not_noticed(own_server, issuer, tmp_path):
    dist = build(tmp_path / "dist")
    server = own_server(issuer, WEB_DIR=str(dist))
    (dist / "index.html").write_bytes(b"changed")
    (dist / "assets" / "app-1.js").unlink()
    (dist / "new.txt").write_bytes(b"new")
    assert get(server, "/").body == INDEX
    digest = hashlib.sha256(get(server, "/assets/app-1.js").body).hexdigest()
    assert digest == hashlib.sha256(SCRIPT).hexdigest()
    assert get(server, "/new.txt").status == 404


def test_without_a_folder_there_is_only_the_api(server):
    answer = get(server, "/", accept=HTML)
    assert (answer.status, answer.json()) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize("broken", ["missing", "a file", "empty", "too big"])
def test_a_folder_of_no_use_ends_the_start_and_is_named(tmp_path, broken):
    directory = tmp_path / "dist"
    if broken == "a file":
        directory.write_bytes(INDEX)
    elif broken != "missing":
        directory.mkdir()
    if broken == "too big":
        (directory / "index.html").write_bytes(b"x" * 70_000)
    ended = run_binary(
        DATA_DIR=str(tmp_path / "data"),
        CLERK_JWKS_URL="http://127.0.0.1:1/",
        CLERK_ISSUER="http://127.0.0.1:1",
        PORT="0",
        WEB_DIR=str(directory),
        WEB_MAX_BYTES="65536",
    )
    assert ended.returncode > 0
    assert "WEB_DIR" in ended.stderr and str(directory) in ended.stderr


# --- behind a proxy ---
def test_a_trusted_proxy_says_who_asks_and_how(own_server, issuer, dist):
    server = own_server(issuer, WEB_DIR=str(dist), TRUSTED_PROXIES="private")
    forwarded = {
        "x_forwarded_for": "6.6.6.6, 198.51.100.7",
        "x_forwarded_proto": "https",
    }
    for path in ("/", "/health", "/api/nothing"):
        headers = get(server, path, **forwarded).headers
        hsts = headers["strict-transport-security"]
        assert hsts == "max-age=31536000; includeSubDomains"
    assert "strict-transport-security" not in get(server, "/health").headers
    server.stop()
    assert server.tail().count('"client":"198.51.100.7"') == 3
    assert "6.6.6.6" not in server.tail()


def test_a_stranger_does_not(own_server, issuer):
    server = own_server(issuer)
    answer = get(
        server, "/health", x_forwarded_for="198.51.100.7", x_forwarded_proto="https"
    )
    assert "strict-transport-security" not in answer.headers
    server.stop()
    assert "198.51.100.7" not in server.tail()


def test_a_proxy_that_is_none_ends_the_start(tmp_path):
    ended = run_binary(
        DATA_DIR=str(tmp_path / "data"),
        CLERK_JWKS_URL="http://127.0.0.1:1/",
        CLERK_ISSUER="http://127.0.0.1:1",
        PORT="0",
        TRUSTED_PROXIES="10.0.0.0/8, loadbalancer.example",
    )
    assert ended.returncode > 0
    assert "TRUSTED_PROXIES" in ended.stderr and "loadbalancer.example" in ended.stderr


def test_the_apps_files_may_be_read_from_an_allowed_origin(web):
    answer = get(web, "/assets/app-1.js", origin=ORIGIN)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert CONTRACT.routes()  # and no file is a route of the schema
