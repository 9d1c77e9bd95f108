#include "http/forwarded.h"

#include <arpa/inet.h>

enum { IPV4_AT = 12, IPV4_BITS_AT = 96 };

static const unsigned char ipv4_prefix[IPV4_AT] = {[10] = 0xFF, [11] = 0xFF};

/* --- addresses --- */
static bool is_port(struct span s)
{
    int64_t port = 0;
    return s.n != 0 && s.p[0] != '-' && span_to_int(s, &port) && port <= UINT16_MAX;
}

/* "[v6]", "[v6]:port" and "v4:port" without what is not address; a bare IPv6 address has more than
 * one colon. The null span for anything malformed. */
static struct span without_port(struct span s)
{
    struct span rest = s;
    if (span_starts(s, SPAN("["))) {
        rest = span_sub(s, 1, s.n);
        struct span inner = span_cut(&rest, ']');
        bool closed = !span_is_null(rest);
        bool ported = rest.n > 0 && rest.p[0] == ':' && is_port(span_sub(rest, 1, rest.n));
        return closed && (rest.n == 0 || ported) ? inner : SPAN_NULL;
    }
    struct span host = span_cut(&rest, ':');
    if (span_is_null(rest) || span_find(rest, ':') != rest.n) {
        return s;
    }
    return is_port(rest) ? host : SPAN_NULL;
}

static bool read_address(struct span s, unsigned char out[16])
{
    char text[INET6_ADDRSTRLEN];
    if (s.n == 0 || s.n >= sizeof text || memchr(s.p, '\0', s.n) != NULL) {
        return false;
    }
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    memcpy(out, ipv4_prefix, sizeof ipv4_prefix);
    return inet_pton(AF_INET, text, out + IPV4_AT) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

static bool is_ipv4(const unsigned char address[16])
{
    return memcmp(address, ipv4_prefix, sizeof ipv4_prefix) == 0;
}

static struct span show_address(const unsigned char address[16], char out[FORWARDED_CLIENT_SIZE])
{
    const char *p = is_ipv4(address)
                        ? inet_ntop(AF_INET, address + IPV4_AT, out, FORWARDED_CLIENT_SIZE)
                        : inet_ntop(AF_INET6, address, out, FORWARDED_CLIENT_SIZE);
    return span_str(p);
}

/* --- networks --- */
static bool read_net(struct span entry, struct forwarded_net *out)
{
    struct span rest = entry;
    struct span address = span_cut(&rest, '/');
    if (!read_address(address, out->address)) {
        return false;
    }
    bool dotted = span_find(address, ':') == address.n; /* bits count from the IPv4 part then */
    int64_t max = dotted ? 32 : 128;
    int64_t bits = max;
    if (!span_is_null(rest) && (!span_to_int(rest, &bits) || bits < 0 || bits > max)) {
        return false;
    }
    out->bits = (unsigned)bits + (dotted ? IPV4_BITS_AT : 0);
    return true;
}

static bool net_has(const struct forwarded_net *net, const unsigned char address[16])
{
    unsigned whole = net->bits / 8;
    unsigned left = net->bits % 8;
    if (memcmp(net->address, address, whole) != 0) {
        return false;
    }
    return left == 0 || (net->address[whole] ^ address[whole]) >> (8 - left) == 0;
}

static bool trusts(const struct forwarded_trust *trust, const unsigned char address[16])
{
    for (size_t i = 0; i < trust->count; i++) {
        if (net_has(&trust->nets[i], address)) {
            return true;
        }
    }
    return false;
}

static const struct span private_nets[] = {
    SPAN_CONST("127.0.0.0/8"),    SPAN_CONST("::1"),
    SPAN_CONST("10.0.0.0/8"),     SPAN_CONST("172.16.0.0/12"),
    SPAN_CONST("192.168.0.0/16"), SPAN_CONST("fc00::/7")};
enum { PRIVATE_COUNT = sizeof private_nets / sizeof *private_nets };

/* One entry, or all that the word stands for; false when it is neither. */
static bool add_entry(struct span entry, struct forwarded_net *nets, size_t *n)
{
    if (!span_eq(entry, SPAN("private"))) {
        return read_net(entry, &nets[(*n)++]);
    }
    bool good = true;
    for (size_t i = 0; i < PRIVATE_COUNT; i++) {
        good = read_net(private_nets[i], &nets[(*n)++]) && good;
    }
    return good;
}

enum err forwarded_trust_read(struct arena *a, const struct span *entries, size_t count,
                              struct forwarded_trust *out, struct span *bad)
{
    struct forwarded_net *nets = arena_alloc_array(a, count * PRIVATE_COUNT, sizeof *nets);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!add_entry(entries[i], nets, &n)) {
            *bad = entries[i];
            return ERR_INVALID;
        }
    }
    *out = (struct forwarded_trust){nets, n};
    return OK;
}

bool forwarded_trusts(const struct forwarded_trust *trust, struct span address)
{
    unsigned char bytes[16];
    return trust->count != 0 && read_address(address, bytes) && trusts(trust, bytes);
}

/* --- headers --- */
/* Cuts the last part of a comma-separated list off; *list becomes the null span with the first. */
static struct span cut_last(struct span *list)
{
    size_t at = list->n;
    while (at > 0 && list->p[at - 1] != ',') {
        at--;
    }
    struct span last = span_trim(span_sub(*list, at, list->n));
    *list = at == 0 ? SPAN_NULL : span_sub(*list, 0, at - 1);
    return last;
}

struct span forwarded_client(const struct forwarded_trust *trust, struct span peer,
                             struct span list, char out[FORWARDED_CLIENT_SIZE])
{
    unsigned char client[16];
    if (!read_address(peer, client)) {
        return SPAN(""); /* it has left already */
    }
    for (int hops = 0; hops < FORWARDED_HOPS_MAX && !span_is_null(list); hops++) {
        unsigned char before[16];
        if (!trusts(trust, client) || !read_address(without_port(cut_last(&list)), before)) {
            break;
        }
        memcpy(client, before, sizeof client);
    }
    return show_address(client, out);
}

bool forwarded_is_https(const struct forwarded_trust *trust, struct span peer, struct span protos)
{
    return !span_is_null(protos) && span_eq_nocase(cut_last(&protos), SPAN("https")) &&
           forwarded_trusts(trust, peer);
}
