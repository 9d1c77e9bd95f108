"""What Clerk tells us: only what it signed, each message once, and never an older one over a newer."""

import json
import secrets
import threading
import time

import pytest

from lib import hooks
from lib.hooks import NEXT_SECRET, SECRET, STRANGE_SECRET, Sender, event
from lib.server import Server

ME = "/api/auth/me"
PATHS = [
    "/api/webhooks/clerk",
    "/api/v1/webhooks/clerk",
    "/api/auth/webhooks/clerk/",
]
SECOND = 1000


@pytest.fixture(scope="module")
def hooked(issuer, tmp_path_factory):
    """A server in the middle of a rotation: two secrets, and blanks where people put them."""
    directory = tmp_path_factory.mktemp("hooked")
    both = f"{SECRET}, {NEXT_SECRET}"
    server = Server(
        directory, issuer, CLERK_WEBHOOK_SIGNING_SECRET=both, RATE_LIMITS="off"
    )
    yield server.start()
    server.dispose()


@pytest.fixture
def sender(hooked):
    return Sender(hooked)


def me(server, user):
    return server.api(user.token).ok("GET", ME)


def now_s():
    return int(time.time())


def now_ms():
    return int(time.time() * 1000)


# --- the labelled deliveries: what is signed, how, and the answer ---
GOOD = json.dumps(event("email.created", {"id": "ema_1"})).encode()


def headers(body=GOOD, **how):
    return Sender(None).headers(body, **how)


def changed(name, change, body=GOOD, **how):
    """One header is made different after signing; None leaves it out."""
    result = headers(body, **how)
    result[name] = change(result[name]) if callable(change) else change
    return result


def signed_as_is(timestamp):
    """A timestamp in a spelling of its own, and the signature is right."""
    return headers(timestamp=timestamp)


def without(*names):
    return {k: v for k, v in headers().items() if k not in names}


def mixed():
    """Two halves of a good one."""
    svix, standard = headers(message="msg_1"), headers(
        message="msg_1", family="webhook"
    )
    return {
        "svix-id": svix["svix-id"],
        "webhook-timestamp": standard["webhook-timestamp"],
        "webhook-signature": standard["webhook-signature"],
    }


def reading(value):
    """A good signature for whatever body."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return lambda: (body, headers(body))


BIG = 1024 * 1024
ONE = {"id": "user_x"}
DELIVERIES = {
    # the signature
    "good": (headers, 200),
    "good by the second secret": (lambda: headers(secret=NEXT_SECRET), 200),
    "good in the standard's own headers": (lambda: headers(family="webhook"), 200),
    "standard's headers and the second secret": (
        lambda: headers(family="webhook", secret=NEXT_SECRET),
        200,
    ),
    "an unknown secret": (lambda: headers(secret=STRANGE_SECRET), 400),
    "a good one among others": (
        lambda: changed("svix-signature", lambda s: f"v1,AAAA v1a,xyz {s} v2,{s[3:]}"),
        200,
    ),
    "only of another version": (
        lambda: changed("svix-signature", lambda s: "v1a" + s[2:]),
        400,
    ),
    "version 2": (lambda: changed("svix-signature", lambda s: "v2" + s[2:]), 400),
    "no version": (lambda: changed("svix-signature", lambda s: s[3:]), 400),
    "version in upper case": (
        lambda: changed("svix-signature", lambda s: "V1" + s[2:]),
        400,
    ),
    "something behind it": (
        lambda: changed("svix-signature", lambda s: s + ",x"),
        400,
    ),
    "without padding": (
        lambda: changed("svix-signature", lambda s: s.rstrip("=")),
        400,
    ),
    "in base64url": (
        lambda: changed(
            "svix-signature", lambda s: s.replace("+", "-").replace("/", "_") + "-"
        ),
        400,
    ),
    "cut short": (lambda: changed("svix-signature", lambda s: s[:-8]), 400),
    "empty": (lambda: changed("svix-signature", ""), 400),
    "of blanks": (lambda: changed("svix-signature", "v1, v1, v1,"), 400),
    "very many signatures": (
        lambda: changed("svix-signature", lambda s: "v1,AAAA " * 900 + s),
        400,
    ),
    "of another message": (lambda: changed("svix-id", "msg_other"), 400),
    "of another time": (
        lambda: changed("svix-timestamp", lambda s: str(int(s) - 1)),
        400,
    ),
    "of another body": (lambda: (GOOD + b" ", headers()), 400),
    "of the body parsed and written again": (
        lambda: (json.dumps(json.loads(GOOD), indent=1).encode(), headers()),
        400,
    ),
    "of an empty body": (lambda: (b"", headers()), 400),
    # the headers
    "none": (lambda: {}, 400),
    "without id": (lambda: without("svix-id"), 400),
    "without timestamp": (lambda: without("svix-timestamp"), 400),
    "without signature": (lambda: without("svix-signature"), 400),
    "half of each family": (mixed, 400),
    "a bad svix family beside a good standard one": (
        lambda: {**headers(family="webhook"), "svix-id": "msg_x"},
        400,
    ),
    "a good svix family beside a bad standard one": (
        lambda: {**headers(), "webhook-signature": "v1,AAAA"},
        200,
    ),
    "an id with a dot": (lambda: headers(message="msg.1"), 400),
    "an id with a blank": (lambda: headers(message="msg 1"), 400),
    "a very long id": (lambda: headers(message="m" * 5000), 400),
    # the time
    "just old enough": (lambda: headers(timestamp=now_s() - 290), 200),
    "too old": (lambda: headers(timestamp=now_s() - 310), 400),
    "a day old": (lambda: headers(timestamp=now_s() - 86400), 400),
    "just new enough": (lambda: headers(timestamp=now_s() + 290), 200),
    "from the future": (lambda: headers(timestamp=now_s() + 310), 400),
    "in milliseconds": (lambda: headers(timestamp=now_ms()), 400),
    "zero": (lambda: signed_as_is("0"), 400),
    "negative": (lambda: signed_as_is(f"-{now_s()}"), 400),
    "with a plus": (lambda: signed_as_is(f"+{now_s()}"), 400),
    "with zeros in front": (lambda: signed_as_is(f"000{now_s()}"), 400),
    "with letters behind": (lambda: signed_as_is(f"{now_s()}abc"), 400),
    "with a fraction": (lambda: signed_as_is(f"{now_s()}.9"), 400),
    "with an exponent": (lambda: signed_as_is("1.7e9"), 400),
    "hexadecimal": (lambda: signed_as_is(hex(now_s())), 400),
    "no number": (lambda: signed_as_is("now"), 400),
    "beyond any number": (lambda: signed_as_is("9" * 30), 400),
    # what is said, well signed
    "no JSON": (reading(b"{"), 400),
    "no UTF-8": (reading(b'{"type":"\xff"}'), 400),
    "a member twice": (
        reading(b'{"type":"a.b","type":"user.deleted","data":{}}'),
        400,
    ),
    "no object": (reading([]), 400),
    "a number": (reading(5), 400),
    "no type": (reading({"data": {}, "object": "event"}), 400),
    "a type that is no string": (reading(event(5, {})), 400),
    "an empty type": (reading(event("", {})), 400),
    "no data": (reading({"type": "user.created", "object": "event"}), 400),
    "data that is no object": (reading(event("user.created", [])), 400),
    "another object": (reading({**event("user.created", ONE), "object": "x"}), 400),
    "a user without id": (reading(event("user.created", {})), 400),
    "a user with an empty id": (reading(event("user.created", {"id": ""})), 400),
    "a user whose id is a number": (reading(event("user.updated", {"id": 5})), 400),
    "a user whose id has a NUL": (reading(event("user.deleted", {"id": "a\0"})), 400),
    "a session without its user": (
        reading(event("session.ended", {"id": "sess_1"})),
        400,
    ),
    "a membership without organization": (
        reading(event("organizationMembership.created", {"id": "orgmem_1"})),
        400,
    ),
    "a membership's end with nothing but the id": (
        reading(event("organizationMembership.deleted", {"id": "orgmem_none"})),
        200,
    ),
    "a negative time": (
        reading({**event("email.created", {}), "timestamp": -1}),
        400,
    ),
    "nested too deep": (
        reading(b'{"type":"a.b","data":{"x":' + b"[" * 500 + b"]" * 500 + b"}}"),
        (400, 413),
    ),
    "an unknown type": (reading(event("waitlistEntry.created", {"id": "w"})), 200),
    "a type of tomorrow": (reading(event("user.teleported", {"odd": [1]})), 200),
    "a session that begins": (
        reading(event("session.created", hooks.session("sess_9", "user_9", "active"))),
        200,
    ),
    "without a time of its own": (
        reading({"type": "email.created", "data": {}, "object": "event"}),
        200,
    ),
    # the size
    "a large one": (reading(event("a.b", {"x": "y" * (BIG - 500)})), 200),
    "too large": (reading(event("a.b", {"x": "y" * BIG})), 413),
}


def test_there_are_enough_labelled_deliveries():
    assert len(DELIVERIES) >= 60


@pytest.mark.parametrize("label", DELIVERIES)
def test_a_delivery(sender, label):
    make, expected = DELIVERIES[label]
    made = make()
    body, given = made if isinstance(made, tuple) else (GOOD, made)
    answer = sender.post(body, given)
    allowed = expected if isinstance(expected, tuple) else (expected,)
    assert answer.status in allowed, answer.text


def test_the_known_answer_is_ours_too(own_server, issuer):
    """Svix's public example: its signature is right, only its time is long over."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    known = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    server = own_server(issuer, CLERK_WEBHOOK_SIGNING_SECRET=secret)
    given = {
        "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "svix-timestamp": "1614265330",
        "svix-signature": f"v1,{known}",
    }
    body = b'{"test": 2432232314}'
    assert "too-old" in Sender(server).post(body, given).detail
    given["svix-signature"] = f"v1,A{known[1:]}"
    assert "bad-signature" in Sender(server).post(body, given).detail


@pytest.mark.parametrize("path", PATHS)
def test_every_path_takes_them(hooked, new_user, path):
    user = new_user()
    sender = Sender(hooked, path=path)
    data = hooks.user(user.id)
    assert sender.tell("user.created", data, message="msg_" + user.id) == "done"
    assert sender.tell("user.created", data, message="msg_" + user.id) == "duplicate"
    assert me(hooked, user)["user"]["email"] == "ada@example.com"


def test_the_other_spelling_of_a_slash_is_not_there(hooked):
    post = hooked.api().send
    assert post("POST", "/api/auth/webhooks/clerk", b"{}").status == 404
    assert post("POST", "/api/webhooks/clerk/", b"{}").status == 307


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_???", "whsec_QUJD"])
def test_without_a_secret_nothing_is_taken_and_the_sender_tries_again(
    own_server, issuer, secret
):
    server = own_server(issuer, CLERK_WEBHOOK_SIGNING_SECRET=secret)
    answer = Sender(server).send("email.created", {})
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) >= 1


def test_the_older_name_of_the_setting_is_good_too(own_server, issuer):
    server = own_server(issuer, CLERK_WEBHOOK_SECRET=SECRET)
    assert Sender(server).tell("email.created", {}) == "ignored"


# --- profiles ---
def test_a_profile_is_told_to_its_user_alone(hooked, sender, alice, bob):
    sender.tell("user.created", hooks.user(alice.id))
    assert me(hooked, alice)["user"] == {
        "id": alice.id,
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "username": None,
        "image_url": "https://img.example/ada.png",
    }
    assert me(hooked, bob)["user"] == dict.fromkeys(me(hooked, bob)["user"]) | {
        "id": bob.id
    }


@pytest.mark.parametrize(
    "data",
    [
        {"email_addresses": []},
        {"email_addresses": [], "primary_email_address_id": None},
        {"email_addresses": None},
        {"primary_email_address_id": "idn_of_none"},
        {"first_name": None, "last_name": None, "username": None, "image_url": None},
        {"public_metadata": {"a": {"b": [1, None, "x"]}}, "unknown": [[[]]]},
        {"first_name": "\u0000'; DROP TABLE users; --", "last_name": "🐍 é"},
    ],
    ids=str,
)
def test_a_profile_may_lack_anything(hooked, sender, alice, data):
    assert sender.tell("user.updated", {**hooks.user(alice.id), **data}) == "done"
    told = me(hooked, alice)["user"]
    for name in ("first_name", "last_name"):
        assert told[name] == data.get(name, told[name])
    if "primary_email_address_id" in data or "email_addresses" in data:
        assert told["email"] is None


def test_the_newest_wins_whatever_comes_last(hooked, sender, alice):
    at = now_ms()
    told = [("newer", at + SECOND), ("newest", at + 2 * SECOND), ("old", at)]
    statuses = [
        sender.tell("user.updated", hooks.user(alice.id, when, f"{name}@example.com"))
        for name, when in told
    ]
    assert statuses == ["done", "done", "ignored"]
    assert me(hooked, alice)["user"]["email"] == "newest@example.com"


def test_a_message_that_comes_many_times_at_once_has_one_effect(sender, alice):
    message, statuses = "msg_" + secrets.token_hex(8), []
    data = hooks.user(alice.id)

    def deliver():
        statuses.append(sender.tell("user.created", data, message=message))

    threads = [threading.Thread(target=deliver) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == ["done"] + ["duplicate"] * 11


def test_a_replay_changes_nothing_even_after_a_restart(own_server, issuer, new_user):
    server = own_server(issuer, CLERK_WEBHOOK_SIGNING_SECRET=SECRET)
    sender, user = Sender(server), new_user()
    body = json.dumps(event("user.created", hooks.user(user.id))).encode()
    given = sender.headers(body)
    assert sender.post(body, given).json()["status"] == "done"
    sender.tell("user.updated", hooks.user(user.id, now_ms() + SECOND, "new@x.org"))
    server.kill9()
    server.restart()
    assert sender.post(body, given).json()["status"] == "duplicate"
    assert me(server, user)["user"]["email"] == "new@x.org"


# --- the end of a user ---
def test_a_deleted_user_stays_deleted(hooked, sender, new_user):
    user = new_user()
    api = hooked.api(user.token)
    notebook = api.create()
    at = now_ms()
    assert sender.tell("user.created", hooks.user(user.id, at)) == "done"
    gone = {"id": user.id, "object": "user", "deleted": True}
    assert sender.tell("user.deleted", gone, at + SECOND) == "done"
    refused = api.send("GET", ME)
    assert refused.status == 401
    assert refused.headers["x-clerk-auth-reason"] == "session-revoked"
    late = hooks.user(user.id, at + 5 * SECOND)
    assert sender.tell("user.updated", late) == "ignored"
    assert sender.tell("user.created", hooks.user(user.id, at - SECOND)) == "ignored"
    assert sender.tell("user.deleted", gone, at + 9 * SECOND) == "ignored"
    for path in (ME, "/api/notebooks", f"/api/notebooks/{notebook}"):
        assert api.send("GET", path).status == 401


def test_an_end_that_is_heard_of_first_is_an_end(hooked, sender, new_user):
    user = new_user()
    assert sender.tell("user.deleted", {"id": user.id, "deleted": True}) == "done"
    assert sender.tell("user.created", hooks.user(user.id)) == "ignored"
    assert hooked.api(user.token).send("GET", ME).status == 401


def test_what_a_deleted_user_had_goes_after_its_time(own_server, issuer, new_user):
    server = own_server(issuer, CLERK_WEBHOOK_SIGNING_SECRET=SECRET, RETENTION_DAYS="0")
    user, other = new_user(), new_user()
    mine = [server.api(user.token).create() for _ in range(25)]
    theirs = server.api(other.token).create()
    gone = {"id": user.id, "deleted": True}
    assert Sender(server).tell("user.deleted", gone) == "done"
    assert (
        server.api(other.token).send("GET", f"/api/notebooks/{mine[0]}").status == 404
    )
    server.stop()
    server.restart()  # it looks at the start and then once an hour
    deadline = time.monotonic() + 5
    while server.log.read_text().count("notebooks_purged") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert theirs in [n["id"] for n in server.api(other.token).list()]


# --- organizations ---
def test_memberships_come_change_and_go(hooked, sender, alice):
    org, member = "org_" + alice.id, "orgmem_" + alice.id
    at = now_ms()

    def memberships():
        return me(hooked, alice)["memberships"]

    data = hooks.membership(member, alice.id, org, updated_at=at)
    assert sender.tell("organizationMembership.created", data) == "done"
    expected = {
        "organization_id": org,
        "name": "Analysts",
        "slug": "analysts",
        "image_url": None,
        "role": "org:admin",
    }
    assert memberships() == [expected]
    data = hooks.membership(member, alice.id, org, "org:member", updated_at=at + 10)
    assert sender.tell("organizationMembership.updated", data) == "done"
    renamed = hooks.organization(org, "Engines", updated_at=at + 20)
    assert sender.tell("organization.updated", renamed) == "done"
    assert memberships() == [{**expected, "name": "Engines", "role": "org:member"}]
    assert sender.tell("organizationMembership.deleted", {"id": member}) == "done"
    assert memberships() == []
    data = hooks.membership(member, alice.id, org, updated_at=at + 30)
    assert sender.tell("organizationMembership.updated", data) == "ignored"
    again = hooks.membership(
        member + "2", alice.id, org, updated_at=now_ms() + 5 * SECOND
    )
    assert sender.tell("organizationMembership.created", again) == "done"
    assert len(memberships()) == 1
    gone = {"id": org, "deleted": True}
    assert sender.tell("organization.deleted", gone) == "done"
    assert memberships() == []


def test_one_address_does_not_get_all_of_the_server(own_server, issuer):
    server = own_server(
        issuer,
        CLERK_WEBHOOK_SIGNING_SECRET=SECRET,
        RATE_LIMITS="on",
        RATE_REQUESTS="1",
        RATE_REQUESTS_BURST="5",
    )
    statuses = [Sender(server).send("email.created", {}).status for _ in range(40)]
    assert statuses[:5] == [200] * 5, statuses
    assert 429 in statuses[5:]
