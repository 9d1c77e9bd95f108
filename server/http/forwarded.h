/* forwarded: who is behind a proxy. X-Forwarded-For and X-Forwarded-Proto are believed only as far
 * as the hops that wrote them are trusted: each proxy appends what it saw, so the header is read
 * from the right, and everything left of the first address that is not a trusted proxy is hearsay.
 * Junk ends the reading; it is never an error. Pure. */
#pragma once

#include <netinet/in.h>

#include "base/err.h"
#include "base/mem.h"

enum {
    FORWARDED_CLIENT_SIZE = INET6_ADDRSTRLEN,
    FORWARDED_HOPS_MAX = 32 /* trusted proxies in a row that are stepped over */
};

/* One trusted network. IPv4 is kept as ::ffff:a.b.c.d, so that there is one comparison. */
struct forwarded_net {
    unsigned char address[16];
    unsigned bits; /* of `address` that count, 0 to 128 */
};

struct forwarded_trust {
    const struct forwarded_net *nets;
    size_t count;
};

/* From "10.0.0.1", "10.0.0.0/8", "fd00::/8", or the word "private" (loopback, RFC 1918, fc00::/7).
 * The nets lie in `a`. ERR_INVALID with the entry that is none of these in *bad. */
MUST_CHECK enum err forwarded_trust_read(struct arena *a, const struct span *entries, size_t count,
                                         struct forwarded_trust *out, struct span *bad);
/* False for what is no address. */
bool forwarded_trusts(const struct forwarded_trust *trust, struct span address);
/* The client's address in its shortest form, in `out`: the peer, or, when that is trusted, the
 * right-most entry of `list` that is not; the left-most one when all are. A port is dropped. */
struct span forwarded_client(const struct forwarded_trust *trust, struct span peer,
                             struct span list, char out[FORWARDED_CLIENT_SIZE]);
/* The last value of `protos` is "https", and the peer may say so. */
bool forwarded_is_https(const struct forwarded_trust *trust, struct span peer, struct span protos);
