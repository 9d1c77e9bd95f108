/* pack: copies an identity out of the memory it lives in. Private to clerk. */
#pragma once

#include "clerk/identity.h"

/* Bytes that the spans of `who` take together. */
size_t pack_size(const struct clerk_identity *who);
/* The same identity with its spans at *at, which has pack_size bytes; moves *at behind them. */
struct clerk_identity pack_move(const struct clerk_identity *who, char **at);
