/* Signatures of webhooks: CLERK.md C, delivery by delivery. */
#include <mbedtls/md.h>

#include "base/b64.h"
#include "clerk/clerk.h"
#include "tests/unit/check.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define NOW_S INT64_C(1700000000)
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
#define BODY "{\"test\": 2432232314}"

/* A delivery to be made: what is NULL is as in the usual one. `signature` may hold %s, the good
 * signature's base64. */
struct plan {
    const char *id, *timestamp, *signature, *body;
    const char *signed_by; /* a secret */
    const char *signed_body;
    bool standard; /* in the webhook-* headers */
};

struct delivery {
    struct text signature;
    struct clerk_webhook webhook;
};

static struct span usually(const char *s, const char *usual)
{
    return span_str(s == NULL ? usual : s);
}

/* The base64 of the HMAC, in `out`. */
static void sign(struct text *out, struct span secret, struct span id_and_time, struct span body)
{
    uint8_t key[128];
    uint8_t mac[32];
    size_t n = 0;
    struct text message = TEXT(4 * CLERK_WEBHOOK_BODY_MAX);
    CHECK(b64_decode(span_sub(secret, strlen("whsec_"), secret.n), key, sizeof key, &n) == OK);
    text_add(&message, id_and_time);
    text_add(&message, body);
    CHECK(mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key, n,
                          (const uint8_t *)message.p, message.n, mac) == 0);
    b64_encode(out, span_of((const char *)mac, sizeof mac));
    text_free(&message);
}

static void fill(struct text *out, const char *pattern, const char *value)
{
    const char *at = strstr(pattern, "%s");
    if (at == NULL) {
        text_add(out, span_str(pattern));
        return;
    }
    text_add(out, span_of(pattern, (size_t)(at - pattern)));
    text_add(out, span_str(value));
    fill(out, at + 2, value);
}

static struct delivery deliver(const struct plan *p)
{
    struct delivery d = {.signature = TEXT(65536)};
    struct text mac = TEXT(256);
    struct text prefix = TEXT(1024);
    struct clerk_webhook_headers *h = p->standard ? &d.webhook.standard : &d.webhook.svix;
    h->id = usually(p->id, "msg_1");
    h->timestamp = usually(p->timestamp, "1700000000");
    d.webhook.body = usually(p->body, BODY);
    text_addf(&prefix, "%s.%s.", h->id.p, h->timestamp.p);
    sign(&mac, usually(p->signed_by, SECRET), text_span(&prefix),
         p->signed_body == NULL ? d.webhook.body : span_str(p->signed_body));
    fill(&d.signature, p->signature == NULL ? "v1,%s" : p->signature, mac.p);
    h->signature = text_span(&d.signature);
    text_free(&mac);
    text_free(&prefix);
    return d;
}

static const struct span usual_secret[] = {{SECRET, sizeof SECRET - 1}};
static const struct clerk_webhook_rules usual = {
    .secrets = usual_secret, .secret_count = 1, .tolerance_s = CLERK_WEBHOOK_TOLERANCE_S};

static enum clerk_webhook_verdict judge(const struct plan *p)
{
    struct delivery d = deliver(p);
    enum clerk_webhook_verdict v = clerk_webhook_verify(&d.webhook, &usual, NOW_S);
    text_free(&d.signature);
    return v;
}

struct webhook_case {
    const char *label;
    struct plan plan;
    enum clerk_webhook_verdict verdict;
};

static void check_cases(const struct webhook_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_case(cases[i].label);
        CHECK(judge(&cases[i].plan) == cases[i].verdict);
    }
}

/* --- known answers --- */

/* Published with the specification. */
static void the_published_delivery_is_good(void)
{
    struct clerk_webhook d = {
        .svix = {.id = SPAN("msg_p5jXN8AQM9LWM0D4loKWxJek"),
                 .timestamp = SPAN("1614265330"),
                 .signature = SPAN("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")},
        .body = SPAN(BODY),
    };
    CHECK(clerk_webhook_verify(&d, &usual, 1614265330) == CLERK_WEBHOOK_OK);
    d.standard = d.svix;
    d.svix = (struct clerk_webhook_headers){0};
    CHECK(clerk_webhook_verify(&d, &usual, 1614265330) == CLERK_WEBHOOK_OK);
    d.body = SPAN("{\"test\":2432232314}"); /* the same JSON, other bytes */
    CHECK(clerk_webhook_verify(&d, &usual, 1614265330) == CLERK_WEBHOOK_BAD_SIGNATURE);
}

/* --- signatures --- */

static void signatures_are_judged(void)
{
    static const struct webhook_case cases[] = {
        {"as it should be", {0}, CLERK_WEBHOOK_OK},
        {"in the standard headers", {.standard = true}, CLERK_WEBHOOK_OK},
        {"with an empty body", {.body = ""}, CLERK_WEBHOOK_OK},
        {"by another secret", {.signed_by = OTHER}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"of another body", {.signed_body = "{}"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"of a body with a line feed", {.signed_body = BODY "\n"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"second of two",
         {.signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,%s"},
         CLERK_WEBHOOK_OK},
        {"first of two",
         {.signature = "v1,%s v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
         CLERK_WEBHOOK_OK},
        {"twice", {.signature = "v1,%s v1,%s"}, CLERK_WEBHOOK_OK},
        {"beside version 1a", {.signature = "v1a,%s v1,%s"}, CLERK_WEBHOOK_OK},
        {"beside rubbish", {.signature = "rubbish , v1, v1,%s"}, CLERK_WEBHOOK_OK},
        {"after two blanks", {.signature = "  v1,%s"}, CLERK_WEBHOOK_OK},
        {"none", {.signature = ""}, CLERK_WEBHOOK_NO_HEADERS},
        {"without a version", {.signature = "%s"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"version 2", {.signature = "v2,%s"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"version 1a alone", {.signature = "v1a,%s"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"version 11", {.signature = "v11,%s"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"version in capitals", {.signature = "V1,%s"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"version without a letter", {.signature = "1,%s"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"no version before the comma", {.signature = ",%s"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"version and nothing", {.signature = "v1,"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"version alone", {.signature = "v1"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"with an equals sign for a comma", {.signature = "v1=%s"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"with more behind a comma", {.signature = "v1,%s,x"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"separated by a comma", {.signature = "v1,%s,v1,%s"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"separated by a tab", {.signature = "v1,%s\tv1,%s"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"with a byte in front", {.signature = "v1,A%s"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"with four more digits", {.signature = "v1,AAAA%s"}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"with one more equals sign", {.signature = "v1,%s="}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"in quotes", {.signature = "v1,\"%s\""}, CLERK_WEBHOOK_BAD_SIGNATURE},
        {"of 31 bytes",
         {.signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1A=="},
         CLERK_WEBHOOK_BAD_SIGNATURE},
        {"of zeros",
         {.signature = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
         CLERK_WEBHOOK_BAD_SIGNATURE},
        {"as hexadecimal",
         {.signature = "v1,83484cf52b04f8e4cf2531adfed9882ad4b2665137b852442d594d20e2c9d4e1"},
         CLERK_WEBHOOK_BAD_SIGNATURE},
    };
    check_cases(cases, COUNT(cases));
}

/* --- headers --- */

static void headers_are_judged(void)
{
    static const struct webhook_case cases[] = {
        {"an id with all its letters", {.id = "msg_aZ09-_"}, CLERK_WEBHOOK_OK},
        {"an empty id", {.id = ""}, CLERK_WEBHOOK_NO_HEADERS},
        {"an id with a dot", {.id = "msg.1"}, CLERK_WEBHOOK_NO_HEADERS},
        {"an id with a blank", {.id = "msg 1"}, CLERK_WEBHOOK_NO_HEADERS},
        {"an id with a line feed", {.id = "msg_1\n"}, CLERK_WEBHOOK_NO_HEADERS},
        {"an id with a quote", {.id = "msg_'1"}, CLERK_WEBHOOK_NO_HEADERS},
        {"an id beyond ASCII", {.id = "msg_\xC3\xA9"}, CLERK_WEBHOOK_NO_HEADERS},
        {"an id of 129 bytes",
         {.id = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
         CLERK_WEBHOOK_NO_HEADERS},
        {"an empty time", {.timestamp = ""}, CLERK_WEBHOOK_NO_HEADERS},
        {"time with letters behind", {.timestamp = "1700000000abc"}, CLERK_WEBHOOK_NO_HEADERS},
        {"time with a fraction", {.timestamp = "1700000000.9"}, CLERK_WEBHOOK_NO_HEADERS},
        {"time with a plus", {.timestamp = "+1700000000"}, CLERK_WEBHOOK_NO_HEADERS},
        {"time with a minus", {.timestamp = "-1700000000"}, CLERK_WEBHOOK_NO_HEADERS},
        {"time with a zero in front", {.timestamp = "01700000000"}, CLERK_WEBHOOK_NO_HEADERS},
        {"time with a blank in front", {.timestamp = " 1700000000"}, CLERK_WEBHOOK_NO_HEADERS},
        {"time with a blank behind", {.timestamp = "1700000000 "}, CLERK_WEBHOOK_NO_HEADERS},
        {"time with an exponent", {.timestamp = "17e8"}, CLERK_WEBHOOK_NO_HEADERS},
        {"time in hexadecimal", {.timestamp = "0x6553f100"}, CLERK_WEBHOOK_NO_HEADERS},
        {"time zero", {.timestamp = "0"}, CLERK_WEBHOOK_NO_HEADERS},
        {"time beyond 64 bits", {.timestamp = "99999999999999999999"}, CLERK_WEBHOOK_NO_HEADERS},
        {"time in milliseconds", {.timestamp = "1700000000000"}, CLERK_WEBHOOK_NO_HEADERS},
        {"time as a date", {.timestamp = "2023-11-14T22:13:20Z"}, CLERK_WEBHOOK_NO_HEADERS},
        {"time of long ago", {.timestamp = "1"}, CLERK_WEBHOOK_TOO_OLD},
        {"time at the end of the window", {.timestamp = "1699999700"}, CLERK_WEBHOOK_OK},
        {"time behind the window", {.timestamp = "1699999699"}, CLERK_WEBHOOK_TOO_OLD},
        {"time at the far end", {.timestamp = "1700000300"}, CLERK_WEBHOOK_OK},
        {"time beyond the far end", {.timestamp = "1700000301"}, CLERK_WEBHOOK_FROM_FUTURE},
        {"time of the year 33658", {.timestamp = "999999999999"}, CLERK_WEBHOOK_FROM_FUTURE},
        {"old and wrongly signed",
         {.timestamp = "1", .signed_by = OTHER},
         CLERK_WEBHOOK_BAD_SIGNATURE},
    };
    check_cases(cases, COUNT(cases));
}

static void every_header_is_needed(void)
{
    struct delivery d = deliver(&(struct plan){0});
    struct clerk_webhook less = d.webhook;
    less.svix.id = SPAN_NULL;
    CHECK(clerk_webhook_verify(&less, &usual, NOW_S) == CLERK_WEBHOOK_NO_HEADERS);
    less = d.webhook;
    less.svix.timestamp = SPAN_NULL;
    CHECK(clerk_webhook_verify(&less, &usual, NOW_S) == CLERK_WEBHOOK_NO_HEADERS);
    less = d.webhook;
    less.svix.signature = SPAN_NULL;
    CHECK(clerk_webhook_verify(&less, &usual, NOW_S) == CLERK_WEBHOOK_NO_HEADERS);
    CHECK(clerk_webhook_verify(&d.webhook, &usual, NOW_S) == CLERK_WEBHOOK_OK);
    CHECK(clerk_webhook_verify(&(struct clerk_webhook){0}, &usual, NOW_S) ==
          CLERK_WEBHOOK_NO_HEADERS);
    text_free(&d.signature);
}

static void the_two_families_are_not_mixed(void)
{
    struct delivery d = deliver(&(struct plan){0});
    struct clerk_webhook mixed = d.webhook;
    mixed.standard = d.webhook.svix;
    CHECK(clerk_webhook_verify(&mixed, &usual, NOW_S) == CLERK_WEBHOOK_OK); /* svix counts */
    mixed.standard.id = SPAN("msg_other");
    CHECK(clerk_webhook_verify(&mixed, &usual, NOW_S) == CLERK_WEBHOOK_OK);
    mixed.svix.id = SPAN_NULL;
    mixed.standard = d.webhook.svix;
    CHECK(clerk_webhook_verify(&mixed, &usual, NOW_S) == CLERK_WEBHOOK_NO_HEADERS);
    mixed.svix = (struct clerk_webhook_headers){.id = SPAN("msg_x")};
    CHECK(clerk_webhook_verify(&mixed, &usual, NOW_S) == CLERK_WEBHOOK_NO_HEADERS);
    text_free(&d.signature);
}

static void any_changed_byte_is_noticed(void)
{
    struct delivery d = deliver(&(struct plan){0});
    char body[] = BODY;
    d.webhook.body = SPAN(BODY);
    for (size_t i = 0; i < sizeof BODY - 1; i++) {
        body[i] ^= 1;
        d.webhook.body = span_of(body, sizeof BODY - 1);
        CHECK(clerk_webhook_verify(&d.webhook, &usual, NOW_S) == CLERK_WEBHOOK_BAD_SIGNATURE);
        body[i] ^= 1;
    }
    CHECK(clerk_webhook_verify(&d.webhook, &usual, NOW_S) == CLERK_WEBHOOK_OK);
    d.webhook.svix.id = SPAN("msg_2"); /* a replay under another name */
    CHECK(clerk_webhook_verify(&d.webhook, &usual, NOW_S) == CLERK_WEBHOOK_BAD_SIGNATURE);
    text_free(&d.signature);
}

/* --- sizes --- */

static void a_body_has_a_mebibyte_at_most(void)
{
    char *body = mem_alloc(CLERK_WEBHOOK_BODY_MAX + 2);
    memset(body, ' ', CLERK_WEBHOOK_BODY_MAX);
    CHECK(judge(&(struct plan){.body = body}) == CLERK_WEBHOOK_OK);
    body[CLERK_WEBHOOK_BODY_MAX] = ' ';
    CHECK(judge(&(struct plan){.body = body}) == CLERK_WEBHOOK_TOO_LARGE);
    mem_free(body);
}

static void signatures_have_4_kib_at_most(void)
{
    struct text pattern = TEXT(8192);
    text_add(&pattern, SPAN("v1,%s"));
    while (pattern.n < 4000) {
        text_add(&pattern, SPAN(" v1,AAAA"));
    }
    CHECK(judge(&(struct plan){.signature = pattern.p}) == CLERK_WEBHOOK_OK);
    while (pattern.n < 4200) {
        text_add(&pattern, SPAN(" v1,AAAA"));
    }
    CHECK(judge(&(struct plan){.signature = pattern.p}) == CLERK_WEBHOOK_NO_HEADERS);
    text_free(&pattern);
}

/* --- secrets --- */

static enum clerk_webhook_verdict judge_with(const char *first, const char *second,
                                             const char *signer)
{
    struct delivery d = deliver(&(struct plan){.signed_by = signer});
    struct span secrets[] = {span_str(first), span_str(second)};
    struct clerk_webhook_rules rules = {
        .secrets = secrets, .secret_count = second == NULL ? 1 : 2, .tolerance_s = 300};
    enum clerk_webhook_verdict v = clerk_webhook_verify(&d.webhook, &rules, NOW_S);
    text_free(&d.signature);
    return v;
}

static void while_secrets_are_rotated_either_will_do(void)
{
    CHECK(judge_with(SECRET, OTHER, SECRET) == CLERK_WEBHOOK_OK);
    CHECK(judge_with(SECRET, OTHER, OTHER) == CLERK_WEBHOOK_OK);
    CHECK(judge_with(OTHER, SECRET, SECRET) == CLERK_WEBHOOK_OK);
    CHECK(judge_with(OTHER, OTHER, SECRET) == CLERK_WEBHOOK_BAD_SIGNATURE);
    CHECK(judge_with("nonsense!", SECRET, SECRET) == CLERK_WEBHOOK_OK);
    CHECK(judge_with("nonsense!", SECRET, OTHER) == CLERK_WEBHOOK_BAD_SIGNATURE);
    CHECK(judge_with("nonsense!", "", SECRET) == CLERK_WEBHOOK_NO_SECRET);
}

static void without_a_secret_nothing_is_believed(void)
{
    struct delivery d = deliver(&(struct plan){0});
    struct clerk_webhook_rules none = {.tolerance_s = 300};
    CHECK(clerk_webhook_verify(&d.webhook, &none, NOW_S) == CLERK_WEBHOOK_NO_SECRET);
    text_free(&d.signature);
}

static void secrets_have_several_spellings(void)
{
    static const struct {
        const char *secret;
        bool valid;
    } cases[] = {
        {SECRET, true},
        {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true},
        {" " SECRET "\n", true},
        {"whsec_AAECAwQFBgcICQoLDA0ODw==", true}, /* 16 bytes */
        {"whsec_AAECAwQFBgcICQoLDA0ODw", true},
        {"whsec_AAECAwQFBgcICQoLDA0O", false}, /* 15 */
        {"whsec_AAECAwQFBgcICQoLDA0ODw=", false},
        {"whsec_AAECAwQFBgcICQoLDA0ODx==", false}, /* loose bits */
        {"whsec_", false},
        {"", false},
        {"whsec_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false},
        {"WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false},
        {"whsec_MfKQ9r8GKYqrTwjU PD8ILPZIo2LaLaSw", false},
        {"whsec_MfKQ9r8GKYqrTwjU-_8ILPZIo2LaLaSw", false},
        {"sk_test_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false},
        {"v1,MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].secret);
        CHECK(clerk_webhook_secret_is_valid(span_str(cases[i].secret)) == cases[i].valid);
    }
    CHECK(judge_with("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NULL, SECRET) == CLERK_WEBHOOK_OK);
    CHECK(judge_with(" " SECRET "\n", NULL, SECRET) == CLERK_WEBHOOK_OK);
}

static void a_secret_has_128_bytes_at_most(void)
{
    uint8_t bytes[129] = {0};
    struct text longest = TEXT(256);
    struct text longer = TEXT(256);
    b64_encode(&longest, span_of((const char *)bytes, 128));
    b64_encode(&longer, span_of((const char *)bytes, 129));
    CHECK(clerk_webhook_secret_is_valid(text_span(&longest)));
    CHECK(!clerk_webhook_secret_is_valid(text_span(&longer)));
    text_free(&longest);
    text_free(&longer);
}

static void every_verdict_has_a_name(void)
{
    for (int v = CLERK_WEBHOOK_OK; v <= CLERK_WEBHOOK_BAD_SIGNATURE; v++) {
        CHECK(clerk_webhook_verdict_name((enum clerk_webhook_verdict)v)[0] != '\0');
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(the_published_delivery_is_good),
        TEST(signatures_are_judged),
        TEST(headers_are_judged),
        TEST(every_header_is_needed),
        TEST(the_two_families_are_not_mixed),
        TEST(any_changed_byte_is_noticed),
        TEST(a_body_has_a_mebibyte_at_most),
        TEST(signatures_have_4_kib_at_most),
        TEST(while_secrets_are_rotated_either_will_do),
        TEST(without_a_secret_nothing_is_believed),
        TEST(secrets_have_several_spellings),
        TEST(a_secret_has_128_bytes_at_most),
        TEST(every_verdict_has_a_name),
    };
    return check_main(argc, argv, tests, COUNT(tests));
}
