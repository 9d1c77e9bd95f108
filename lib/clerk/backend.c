#include "clerk/inside.h"

static enum err ask(struct clerk *c, const struct api_call *call, clerk_backend_cb done, void *data)
{
    return c->api == NULL || c->closed != NULL ? ERR_UNAVAILABLE
                                               : api_send(c->api, call, done, data);
}

bool clerk_has_backend(const struct clerk *c)
{
    return c->api != NULL;
}

enum err clerk_user_get(struct clerk *c, struct span user_id, clerk_backend_cb done, void *data)
{
    struct api_call call = {.kind = ANSWERS_USER, .before = "/users/", .id = user_id, .behind = ""};
    return ask(c, &call, done, data);
}

enum err clerk_session_get(struct clerk *c, struct span session_id, clerk_backend_cb done,
                           void *data)
{
    struct api_call call = {
        .kind = ANSWERS_SESSION, .before = "/sessions/", .id = session_id, .behind = ""};
    return ask(c, &call, done, data);
}

enum err clerk_session_revoke(struct clerk *c, struct span session_id, clerk_backend_cb done,
                              void *data)
{
    struct api_call call = {
        .kind = ANSWERS_SESSION,
        .before = "/sessions/",
        .id = session_id,
        .behind = "/revoke",
        .post = true,
    };
    return ask(c, &call, done, data);
}

enum err clerk_memberships_get(struct clerk *c, struct span user_id, unsigned offset,
                               clerk_backend_cb done, void *data)
{
    char behind[96];
    (void)snprintf(behind, sizeof behind, "/organization_memberships?limit=%d&offset=%u",
                   CLERK_MEMBERSHIPS_PAGE, offset);
    struct api_call call = {
        .kind = ANSWERS_MEMBERSHIPS, .before = "/users/", .id = user_id, .behind = behind};
    return ask(c, &call, done, data);
}
