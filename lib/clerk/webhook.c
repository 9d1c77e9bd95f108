/* The signatures of Svix and of the Standard Webhooks specification 1.0, which are the same:
 * HMAC-SHA256 of "id.timestamp.body". Stricter than their own libraries in what spells a number or
 * a signature (CLERK.md C). */
#include "clerk/webhook.h"

#include <mbedtls/constant_time.h>
#include <mbedtls/md.h>

#include "base/b64.h"
#include "clerk/delivery.h"

#define KEY_MIN 16
#define KEY_MAX 128
#define ENCODED_MAX 176       /* base64 of KEY_MAX bytes, padded, with room */
#define SIGNATURES_MAX 4096   /* bytes of the header */
#define SECONDS_DIGITS_MAX 12 /* up to the year 33658 */
#define MAC_SIZE 32

struct secret {
    uint8_t bytes[KEY_MAX];
    size_t n;
};

/* --- headers --- */

/* The id is part of what is signed and ends at a dot: so it has none. */
static bool is_message_id(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-';
        if (!good) {
            return false;
        }
    }
    return s.n > 0 && s.n <= DELIVERY_ID_MAX;
}

/* Digits alone: no sign, no blanks, no leading zero, nothing behind. */
static bool read_seconds(struct span s, int64_t *out)
{
    return s.n > 0 && s.n <= SECONDS_DIGITS_MAX && s.p[0] >= '1' && s.p[0] <= '9' &&
           span_to_int(s, out);
}

bool delivery_headers(const struct clerk_webhook *d, struct delivery *out)
{
    bool svix = !span_is_null(d->svix.id) || !span_is_null(d->svix.timestamp) ||
                !span_is_null(d->svix.signature);
    const struct clerk_webhook_headers *h = svix ? &d->svix : &d->standard;
    out->id = h->id;
    out->timestamp = h->timestamp;
    out->signatures = h->signature;
    return is_message_id(h->id) && read_seconds(h->timestamp, &out->sent_s) && h->signature.n > 0 &&
           h->signature.n <= SIGNATURES_MAX;
}

/* --- secrets --- */

static bool decode_secret(struct span secret, struct secret *out)
{
    CLEANUP(text_free) struct text padded = TEXT(ENCODED_MAX);
    struct span encoded = span_trim(secret);
    if (span_starts(encoded, SPAN("whsec_"))) {
        encoded = span_sub(encoded, strlen("whsec_"), encoded.n);
    }
    text_add(&padded, encoded);
    while (!span_ends(encoded, SPAN("=")) && padded.n % 4 != 0 && !padded.overflowed) {
        text_add_char(&padded, '=');
    }
    return !padded.overflowed &&
           b64_decode(text_span(&padded), out->bytes, sizeof out->bytes, &out->n) == OK &&
           out->n >= KEY_MIN;
}

bool clerk_webhook_secret_is_valid(struct span secret)
{
    struct secret key;
    return decode_secret(secret, &key);
}

/* --- signatures --- */

static bool update(mbedtls_md_context_t *md, struct span s)
{
    return mbedtls_md_hmac_update(md, (const uint8_t *)s.p, s.n) == 0;
}

static bool compute(const struct secret *key, const struct delivery *h, struct span body,
                    uint8_t mac[MAC_SIZE])
{
    mbedtls_md_context_t md;
    mbedtls_md_init(&md);
    bool good = mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1) == 0 &&
                mbedtls_md_hmac_starts(&md, key->bytes, key->n) == 0 && update(&md, h->id) &&
                update(&md, SPAN(".")) && update(&md, h->timestamp) && update(&md, SPAN(".")) &&
                update(&md, body) && mbedtls_md_hmac_finish(&md, mac) == 0;
    mbedtls_md_free(&md);
    return good;
}

/* One of "v1,<base64> v1,<base64>". Other versions are passed over: they are signed otherwise. */
static bool is_listed(struct span list, const uint8_t mac[MAC_SIZE])
{
    bool found = false;
    struct span rest = list;
    while (!span_is_null(rest)) {
        uint8_t given[MAC_SIZE];
        size_t n = 0;
        struct span encoded = span_cut(&rest, ' ');
        struct span version = span_cut(&encoded, ',');
        if (span_eq(version, SPAN("v1")) && b64_decode(encoded, given, sizeof given, &n) == OK &&
            n == MAC_SIZE && mbedtls_ct_memcmp(given, mac, MAC_SIZE) == 0) {
            found = true; /* and go on: the place of the good one is nobody's business */
        }
    }
    return found;
}

static enum clerk_webhook_verdict check_signatures(const struct clerk_webhook *d,
                                                   const struct clerk_webhook_rules *rules,
                                                   const struct delivery *h)
{
    enum clerk_webhook_verdict verdict = CLERK_WEBHOOK_NO_SECRET;
    for (size_t i = 0; i < rules->secret_count; i++) {
        struct secret key;
        uint8_t mac[MAC_SIZE];
        if (!decode_secret(rules->secrets[i], &key)) {
            continue;
        }
        if (compute(&key, h, d->body, mac) && is_listed(h->signatures, mac)) {
            return CLERK_WEBHOOK_OK;
        }
        verdict = CLERK_WEBHOOK_BAD_SIGNATURE;
    }
    return verdict;
}

enum clerk_webhook_verdict clerk_webhook_verify(const struct clerk_webhook *d,
                                                const struct clerk_webhook_rules *rules,
                                                int64_t now_s)
{
    struct delivery h;
    if (!delivery_headers(d, &h)) {
        return CLERK_WEBHOOK_NO_HEADERS;
    }
    if (d->body.n > CLERK_WEBHOOK_BODY_MAX) {
        return CLERK_WEBHOOK_TOO_LARGE;
    }
    enum clerk_webhook_verdict verdict = check_signatures(d, rules, &h);
    if (verdict != CLERK_WEBHOOK_OK) {
        return verdict;
    }
    if (h.sent_s < now_s - rules->tolerance_s) {
        return CLERK_WEBHOOK_TOO_OLD;
    }
    return h.sent_s > now_s + rules->tolerance_s ? CLERK_WEBHOOK_FROM_FUTURE : CLERK_WEBHOOK_OK;
}

const char *clerk_webhook_verdict_name(enum clerk_webhook_verdict v)
{
    static const char *const names[] = {
        [CLERK_WEBHOOK_OK] = "ok",
        [CLERK_WEBHOOK_NO_SECRET] = "no-secret",
        [CLERK_WEBHOOK_NO_HEADERS] = "no-headers",
        [CLERK_WEBHOOK_TOO_LARGE] = "too-large",
        [CLERK_WEBHOOK_TOO_OLD] = "too-old",
        [CLERK_WEBHOOK_FROM_FUTURE] = "from-the-future",
        [CLERK_WEBHOOK_BAD_SIGNATURE] = "bad-signature",
    };
    return names[v];
}
