#include "clerk/pack.h"

#define MEMBER(name) offsetof(struct clerk_identity, name)

/* Every span of an identity. The assertion below wants a look at this table when the struct grows.
 */
static const size_t members[] = {
    MEMBER(user_id),
    MEMBER(session_id),
    MEMBER(party),
    MEMBER(actor_id),
    MEMBER(actor_type),
    MEMBER(features),
    MEMBER(plans),
    MEMBER(organization.id),
    MEMBER(organization.slug),
    MEMBER(organization.role),
    MEMBER(organization.permissions),
    MEMBER(organization.permission_keys),
    MEMBER(organization.permission_map),
};
#define COUNT (sizeof members / sizeof *members)
/* two times, the flag (padded) and two ages */
_Static_assert(sizeof(struct clerk_identity) == COUNT * sizeof(struct span) + 5 * sizeof(int64_t),
               "a new span belongs into `members`");

static struct span *member_of(struct clerk_identity *who, size_t offset)
{
    return (struct span *)(void *)((char *)who + offset);
}

static struct span value_of(const struct clerk_identity *who, size_t offset)
{
    return *(const struct span *)(const void *)((const char *)who + offset);
}

size_t pack_size(const struct clerk_identity *who)
{
    size_t size = 0;
    for (size_t i = 0; i < COUNT; i++) {
        size += value_of(who, members[i]).n;
    }
    return size;
}

/* The null span stays null. */
static struct span move_in(char **at, struct span s)
{
    if (span_is_null(s)) {
        return s;
    }
    struct span copy = span_of(*at, s.n);
    memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

struct clerk_identity pack_move(const struct clerk_identity *who, char **at)
{
    struct clerk_identity copy = *who;
    for (size_t i = 0; i < COUNT; i++) {
        struct span *s = member_of(&copy, members[i]);
        *s = move_in(at, *s);
    }
    return copy;
}
