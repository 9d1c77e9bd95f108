/* b64: base64 and base64url (RFC 4648), strict: no blanks, canonical trailing bits. */
#pragma once

#include "base/err.h"
#include "base/text.h"

/* base64url without padding (RFC 7515). ERR_INVALID, or ERR_TOO_LARGE when it does not fit in
 * `cap`. */
MUST_CHECK enum err b64_decode_url(struct span in, uint8_t *out, size_t cap, size_t *n);
/* base64 with padding. Same errors. */
MUST_CHECK enum err b64_decode(struct span in, uint8_t *out, size_t cap, size_t *n);
void b64_encode(struct text *out, struct span in);
void b64_encode_url(struct text *out, struct span in);
