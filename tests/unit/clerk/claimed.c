#include "tests/unit/clerk/claimed.h"

#include "clerk/organization.h"
#include "tests/unit/check.h"

struct clerk_identity claimed(struct arena *a, const char *claims)
{
    static const struct json_limits limits = {.bytes = 65536, .depth = 16, .values = 2048};
    const struct json *root = NULL;
    struct json_error error;
    struct clerk_identity who = {.user_id = SPAN("user_1")};
    CHECK(json_parse(a, arena_copy(a, span_str(claims)), &limits, &root, &error) == OK);
    organization_read(a, root, &who);
    return who;
}
