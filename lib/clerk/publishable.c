/* The publishable key: "pk_test_" or "pk_live_" and the base64 of "<frontend API host>$", padding
 * optional (CLERK.md A5). Clerk's own reader takes URLs, paths and ports; this one wants a plain
 * DNS name, since the host becomes the issuer and the address of the key set. */
#include "base/b64.h"
#include "clerk/clerk.h"

#define HOST_MAX 253 /* RFC 1035, 2.3.4 */
#define LABEL_MAX 63
#define ENCODED_MAX 344 /* base64 of HOST_MAX + 1 bytes, padded, with room */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_label(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_alnum(s.p[i]) && s.p[i] != '-') {
            return false;
        }
    }
    return s.n > 0 && s.n <= LABEL_MAX && s.p[0] != '-' && s.p[s.n - 1] != '-';
}

static bool is_number(struct span s)
{
    size_t i = 0;
    while (i < s.n && is_digit(s.p[i])) {
        i++;
    }
    return i == s.n;
}

/* Two labels at least, and the last is no number: 127.0.0.1 is an address, not a name. */
static bool is_dns_name(struct span host)
{
    size_t labels = 0;
    struct span label = SPAN_NULL;
    struct span rest = host;
    while (!span_is_null(rest)) {
        label = span_cut(&rest, '.');
        if (!is_label(label)) {
            return false;
        }
        labels++;
    }
    return labels >= 2 && host.n <= HOST_MAX && !is_number(label);
}

static enum err decode(struct span encoded, uint8_t *out, size_t cap, size_t *n)
{
    CLEANUP(text_free) struct text padded = TEXT(ENCODED_MAX);
    text_add(&padded, encoded);
    while (!span_ends(encoded, SPAN("=")) && padded.n % 4 != 0 && !padded.overflowed) {
        text_add_char(&padded, '=');
    }
    return padded.overflowed ? ERR_TOO_LARGE : b64_decode(text_span(&padded), out, cap, n);
}

enum err clerk_publishable_host(struct arena *a, struct span key, struct span *host)
{
    uint8_t bytes[ENCODED_MAX];
    size_t n = 0;
    if (!span_starts(key, SPAN("pk_test_")) && !span_starts(key, SPAN("pk_live_"))) {
        return ERR_INVALID;
    }
    struct span encoded = span_sub(key, strlen("pk_test_"), key.n);
    if (decode(encoded, bytes, sizeof bytes, &n) != OK || n == 0 || bytes[n - 1] != '$') {
        return ERR_INVALID;
    }
    struct span name = span_of((const char *)bytes, n - 1);
    if (!is_dns_name(name)) {
        return ERR_INVALID;
    }
    *host = arena_copy(a, name);
    return OK;
}
