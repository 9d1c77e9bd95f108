/* state: what a clerk has to check with, for those who diagnose. */
#include "clerk/inside.h"

size_t clerk_key_count(struct clerk *c)
{
    const struct keys *keys = keyring_keys(c->keyring);
    return keys == NULL ? 0 : keys->count;
}

bool clerk_ask(struct clerk *c)
{
    return keyring_ask(c->keyring);
}
