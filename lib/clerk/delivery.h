/* delivery: the headers of a webhook, read. Private to clerk. */
#pragma once

#include "clerk/webhook.h"

#define DELIVERY_ID_MAX 128 /* bytes */

struct delivery {
    struct span id;
    struct span timestamp; /* as it came: it is signed so */
    struct span signatures;
    int64_t sent_s;
};

/* One family of headers, whole: never an id of one and a signature of the other. False when one is
 * missing or malformed. */
bool delivery_headers(const struct clerk_webhook *d, struct delivery *out);
