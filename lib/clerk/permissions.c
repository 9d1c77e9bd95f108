#include "clerk/permissions.h"

#include "clerk/scoped.h"

/* "feature:key"; in version 1 the feature is null and the key is all of it. */
struct permission {
    struct span feature;
    struct span key;
};

struct span permissions_plain(struct span s)
{
    while (span_starts(s, SPAN("org:"))) {
        s = span_sub(s, strlen("org:"), s.n);
    }
    return s;
}

struct clerk_permissions clerk_permissions_of(const struct clerk_identity *who)
{
    const struct clerk_organization *o = &who->organization;
    struct clerk_permissions list = {0};
    if (o->id.n == 0) {
        return list;
    }
    list.rest = o->permissions;
    if (scoped_is_sound(who->features) && o->permission_keys.n > 0 && o->permission_map.n > 0) {
        list.features = who->features;
        list.map = o->permission_map;
        list.all_keys = o->permission_keys;
    }
    return list;
}

/* --- the map of bits --- */

/* bits = bits * 10 + digit. False when they do not hold that. */
static bool push_digit(uint32_t bits[CLERK_PERMISSION_WORDS], size_t *used, unsigned digit)
{
    uint64_t carry = digit;
    for (size_t i = 0; i < *used; i++) {
        carry += (uint64_t)bits[i] * 10;
        bits[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0) {
        if (*used == CLERK_PERMISSION_WORDS) {
            return false;
        }
        bits[(*used)++] = (uint32_t)carry;
    }
    return true;
}

/* The number may have more than 64 bits, one for each key. What is no number has none. */
static void read_bits(struct span decimal, uint32_t bits[CLERK_PERMISSION_WORDS])
{
    size_t used = 0;
    memset(bits, 0, CLERK_PERMISSION_WORDS * sizeof *bits);
    for (size_t i = 0; i < decimal.n; i++) {
        char c = decimal.p[i];
        if (c < '0' || c > '9' || !push_digit(bits, &used, (unsigned)(c - '0'))) {
            memset(bits, 0, CLERK_PERMISSION_WORDS * sizeof *bits);
            return;
        }
    }
}

static bool has_bit(const struct clerk_permissions *list, size_t bit)
{
    return bit < (size_t)CLERK_PERMISSION_WORDS * 32 && (list->bits[bit / 32] >> bit % 32 & 1) != 0;
}

/* The i-th number belongs to the i-th feature of the organization: the user's own are not counted.
 */
static bool next_feature(struct clerk_permissions *list)
{
    struct scoped element = {0};
    do {
        if (!scoped_next(&list->features, &element)) {
            return false;
        }
    } while (!element.is_org);
    if (span_is_null(list->map)) {
        return false;
    }
    list->feature = element.value;
    read_bits(span_trim(span_cut(&list->map, ',')), list->bits);
    list->keys = list->all_keys;
    list->bit = 0;
    return true;
}

/* --- visiting --- */

static bool next_listed(struct clerk_permissions *list, struct permission *out)
{
    while (!span_is_null(list->rest)) {
        out->feature = SPAN_NULL;
        out->key = permissions_plain(span_trim(span_cut(&list->rest, ',')));
        if (out->key.n > 0) {
            return true;
        }
    }
    return false;
}

static bool next_of_feature(struct clerk_permissions *list, struct permission *out)
{
    while (!span_is_null(list->keys)) {
        out->feature = list->feature;
        out->key = span_trim(span_cut(&list->keys, ','));
        if (has_bit(list, list->bit++) && out->key.n > 0) {
            return true;
        }
    }
    return false;
}

static bool next(struct clerk_permissions *list, struct permission *out)
{
    if (next_listed(list, out)) {
        return true;
    }
    do {
        if (next_of_feature(list, out)) {
            return true;
        }
    } while (next_feature(list));
    return false;
}

static char *append(char *at, struct span s)
{
    memcpy(at, s.p, s.n);
    return at + s.n;
}

bool clerk_permission_next(struct clerk_permissions *list, struct arena *a, struct span *out)
{
    struct permission p;
    if (!next(list, &p)) {
        return false;
    }
    char *text = arena_alloc(a, p.feature.n + p.key.n + sizeof "org::");
    char *end = append(text, SPAN("org:"));
    if (!span_is_null(p.feature)) {
        end = append(append(end, p.feature), SPAN(":"));
    }
    end = append(end, p.key);
    *out = span_of(text, (size_t)(end - text));
    return true;
}

static bool is_it(const struct permission *p, struct span wanted)
{
    if (span_is_null(p->feature)) {
        return span_eq(p->key, wanted);
    }
    return wanted.n == p->feature.n + 1 + p->key.n && span_starts(wanted, p->feature) &&
           wanted.p[p->feature.n] == ':' && span_ends(wanted, p->key);
}

bool permissions_hold(const struct clerk_identity *who, struct span wanted)
{
    struct clerk_permissions list = clerk_permissions_of(who);
    struct span plain = permissions_plain(wanted);
    struct permission p;
    while (next(&list, &p)) {
        if (is_it(&p, plain)) {
            return true;
        }
    }
    return false;
}
