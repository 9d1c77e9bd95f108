/* access: clerk_has. Each dimension that is asked must hold; what cannot be told does not hold
 * (CLERK.md B; the rules are those of Clerk's own has() since it denies what it cannot tell). */
#include "clerk/identity.h"
#include "clerk/permissions.h"
#include "clerk/scoped.h"

const struct clerk_reverification clerk_strict_mfa = {CLERK_MULTI_FACTOR, 10};
const struct clerk_reverification clerk_strict = {CLERK_SECOND_FACTOR, 10};
const struct clerk_reverification clerk_moderate = {CLERK_SECOND_FACTOR, 60};
const struct clerk_reverification clerk_lax = {CLERK_SECOND_FACTOR, 1440};

enum finding { NOT_ASKED, HOLDS, FAILS };

static enum finding finding_of(bool holds)
{
    return holds ? HOLDS : FAILS;
}

/* --- the organization --- */

static enum finding check_role(const struct clerk_identity *who, struct span wanted)
{
    if (span_is_null(wanted)) {
        return NOT_ASKED;
    }
    struct span role = permissions_plain(who->organization.role);
    return finding_of(who->organization.id.n > 0 && role.n > 0 &&
                      span_eq(role, permissions_plain(wanted)));
}

static enum finding check_permission(const struct clerk_identity *who, struct span wanted)
{
    return span_is_null(wanted) ? NOT_ASKED : finding_of(permissions_hold(who, wanted));
}

/* --- features and plans --- */

struct wish {
    struct span value;
    bool org, user; /* where to look */
};

/* False for a scope that does not exist. */
static bool read_wish(struct span wanted, struct wish *out)
{
    static const struct {
        struct span name;
        bool org, user;
    } scopes[] = {
        {{"o", 1}, true, false}, {{"org", 3}, true, false},  {{"organization", 12}, true, false},
        {{"u", 1}, false, true}, {{"user", 4}, false, true},
    };
    *out = (struct wish){wanted, true, true};
    if (span_find(wanted, ':') == wanted.n) {
        return wanted.n > 0;
    }
    struct span scope = span_cut(&out->value, ':');
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        if (span_eq(scope, scopes[i].name)) {
            out->org = scopes[i].org;
            out->user = scopes[i].user;
            return out->value.n > 0;
        }
    }
    return false;
}

static enum finding check_listed(struct span list, struct span wanted)
{
    struct wish wish;
    struct scoped element;
    struct span rest = list;
    if (span_is_null(wanted)) {
        return NOT_ASKED;
    }
    if (!read_wish(wanted, &wish) || !scoped_is_sound(list)) {
        return FAILS;
    }
    while (scoped_next(&rest, &element)) {
        bool in_scope = (element.is_org && wish.org) || (element.is_user && wish.user);
        if (in_scope && span_eq(element.value, wish.value)) {
            return HOLDS;
        }
    }
    return FAILS;
}

/* --- reverification --- */

/* Who has no second factor is asked for the first. Who has no first factor cannot show both. */
static bool is_fresh(const int64_t ages[2], const struct clerk_reverification *wanted)
{
    bool first = ages[0] != CLERK_FACTOR_NONE && ages[0] < (int64_t)wanted->after_minutes;
    bool second = ages[1] != CLERK_FACTOR_NONE && ages[1] < (int64_t)wanted->after_minutes;
    switch (wanted->level) {
    case CLERK_FIRST_FACTOR:
        return first;
    case CLERK_SECOND_FACTOR:
        return ages[1] == CLERK_FACTOR_NONE ? first : second;
    case CLERK_MULTI_FACTOR:
        return first && (second || ages[1] == CLERK_FACTOR_NONE);
    }
    return false; /* a level that does not exist */
}

static enum finding check_reverification(const struct clerk_identity *who,
                                         const struct clerk_reverification *wanted)
{
    if (wanted == NULL) {
        return NOT_ASKED;
    }
    return finding_of(who->has_factor_ages && is_fresh(who->factor_ages, wanted));
}

bool clerk_has(const struct clerk_identity *who, const struct clerk_condition *wanted)
{
    const enum finding findings[] = {
        check_role(who, wanted->role),
        check_permission(who, wanted->permission),
        check_listed(who->features, wanted->feature),
        check_listed(who->plans, wanted->plan),
        check_reverification(who, wanted->reverification),
    };
    bool asked = false;
    for (size_t i = 0; i < sizeof findings / sizeof *findings; i++) {
        if (findings[i] == FAILS) {
            return false;
        }
        asked = asked || findings[i] == HOLDS;
    }
    return asked && who->user_id.n > 0;
}
