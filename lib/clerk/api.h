/* api: the calls of backend.h over an outbound thread. Private to clerk. Loop thread only. */
#pragma once

#include "clerk/answers.h"
#include "clerk/outbound.h"

/* Pinned: an answer's shape changes only when we change this (CLERK.md D). */
#define API_VERSION "2026-05-12"

struct api;

struct api_options {
    const char *url;        /* "https://api.clerk.com" */
    const char *secret_key; /* "sk_..." */
    unsigned timeout_ms;    /* of one call */
};

/* Strings are copied; `outbound` is borrowed and must have closed before api_free. */
struct api *api_new(struct outbound *outbound, const struct api_options *options);
void api_free(struct api *api); /* NULL is fine */

struct api_call {
    enum answers_kind kind;
    const char *before; /* the path: "/users/" */
    struct span id;
    const char *behind; /* "/revoke" */
    bool post;
};

/* As backend.h says. */
MUST_CHECK enum err api_send(struct api *api, const struct api_call *call, clerk_backend_cb done,
                             void *data);
