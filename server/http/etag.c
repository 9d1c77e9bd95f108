#include <assert.h>

#include <mbedtls/md.h>

#include "base/text.h"
#include "http/http.h"

enum { SHA256_SIZE = 32, TAG_BYTES = 16 };

struct span http_etag(struct arena *a, struct span bytes)
{
    unsigned char hash[SHA256_SIZE];
    int r = mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const unsigned char *)bytes.p,
                       bytes.n, hash);
    assert(r == 0); /* fails only for a digest that the library does not have */
    struct text t = TEXT(2 * TAG_BYTES + 2);
    text_add_char(&t, '"');
    for (size_t i = 0; i < TAG_BYTES; i++) {
        text_addf(&t, "%02x", hash[i]);
    }
    text_add_char(&t, '"');
    struct span tag = arena_copy(a, text_span(&t));
    text_free(&t);
    return tag;
}
