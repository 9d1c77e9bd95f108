/* transfer: one request on its way, as curl sees it. Private to outbound. */
#pragma once

#include <curl/curl.h>

#include "base/list.h"
#include "base/text.h"
#include "clerk/outbound.h"

/* Owned by the loop thread before it is queued and after it has finished; by the outbound thread in
 * between. */
struct transfer {
    struct list node;
    char *url;
    bool post;
    unsigned timeout_ms;
    outbound_done_cb done;
    void *data;

    CURL *easy;                 /* NULL before transfer_prepare */
    struct curl_slist *headers; /* NULL: they could not be made */
    struct text body;
    enum err err;
    long status;
    int64_t date_s;
    int64_t retry_after_s;
    char problem[CURL_ERROR_SIZE];
};

struct transfer *transfer_new(const struct outbound_request *request, outbound_done_cb done,
                              void *data);
void transfer_free(struct transfer *t);
/* Makes the easy handle. False when curl refuses; transfer_free is still due. */
bool transfer_prepare(struct transfer *t);
/* Fills in err, status and problem from how it ended. */
void transfer_settle(struct transfer *t, CURLcode code);
