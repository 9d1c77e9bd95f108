/* The key of CLERK_JWT_KEY. A PEM block rarely survives an environment variable: quotes stay, line
 * ends become "\n" in two characters, spaces, or nothing. So it is taken apart here, and mbedTLS
 * only sees the DER inside (CLERK.md A4, G4). */
#include "base/b64.h"
#include "clerk/keys.h"

#define PEM_MAX 8192 /* bytes; an 8192-bit key has 1.5 KiB */

#define BEGIN_MARK SPAN("-----BEGIN ")
#define END_MARK SPAN("-----END ")
#define DASHES SPAN("-----")

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
}

static struct span unquote(struct span s)
{
    s = span_trim(s);
    bool quoted = s.n >= 2 && is_quote(s.p[0]) && s.p[s.n - 1] == s.p[0];
    return quoted ? span_sub(s, 1, s.n - 2) : s;
}

static size_t find(struct span s, struct span needle)
{
    for (size_t i = 0; i + needle.n <= s.n; i++) {
        if (span_starts(span_sub(s, i, needle.n), needle)) {
            return i;
        }
    }
    return s.n;
}

/* What is between the BEGIN and END lines; all of it when there are none. The null span when only
 * one is there, or when the label is not that of a public key. */
static struct span body(struct span s)
{
    size_t begin = find(s, BEGIN_MARK);
    size_t end = find(s, END_MARK);
    if (begin == s.n && end == s.n) {
        return s;
    }
    if (begin == s.n || end == s.n || end < begin) {
        return SPAN_NULL;
    }
    struct span inside = span_sub(s, begin + BEGIN_MARK.n, end - begin - BEGIN_MARK.n);
    size_t label = find(inside, DASHES);
    bool is_public = span_eq(span_sub(inside, 0, label), SPAN("PUBLIC KEY")) ||
                     span_eq(span_sub(inside, 0, label), SPAN("RSA PUBLIC KEY"));
    return is_public ? span_sub(inside, label + DASHES.n, inside.n) : SPAN_NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Leaves out blanks and the escapes \n and \r. No letter of base64 is a backslash. */
static void squeeze(struct text *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool escape = s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == 'n' || s.p[i + 1] == 'r');
        if (escape) {
            i++;
        } else if (!is_blank(s.p[i])) {
            text_add_char(out, s.p[i]);
        }
    }
}

static enum err read_der(struct span der, struct keys *k, const char **why)
{
    mbedtls_pk_context *pk = &k->items[0].pk;
    mbedtls_pk_init(pk);
    k->count = 1;
    if (mbedtls_pk_parse_public_key(pk, (const uint8_t *)der.p, der.n) != 0) {
        *why = "it is not a public key";
        return ERR_INVALID;
    }
    return keys_check(pk, why);
}

static enum err read_pem(struct span pem, struct span *der, uint8_t *space)
{
    CLEANUP(text_free) struct text squeezed = TEXT(PEM_MAX);
    struct span inside = body(unquote(pem));
    if (span_is_null(inside)) {
        return ERR_INVALID;
    }
    squeeze(&squeezed, inside);
    size_t n = 0;
    if (squeezed.overflowed || squeezed.n == 0 ||
        b64_decode(text_span(&squeezed), space, PEM_MAX, &n) != OK) {
        return ERR_INVALID;
    }
    *der = span_of((const char *)space, n);
    return OK;
}

enum err keys_from_pem(struct keys **out, struct span pem, const char **why)
{
    uint8_t space[PEM_MAX];
    struct span der = SPAN_NULL;
    if (pem.n > PEM_MAX || read_pem(pem, &der, space) != OK) {
        *why = "it is not a PEM block \"PUBLIC KEY\" nor the base64 inside one";
        return ERR_INVALID;
    }
    struct keys *k = mem_alloc(sizeof *k);
    k->items = mem_alloc_array(1, sizeof *k->items);
    enum err e = read_der(der, k, why);
    if (e != OK) {
        keys_free(k);
        return e;
    }
    *out = k;
    return OK;
}
