/* app: everything that the server is made of, from start to stop. */
#pragma once

#include <uv.h>

#include "base/list.h"
#include "channels.h"
#include "clerk/clerk.h"
#include "config.h"
#include "http/http.h"
#include "kernel/kernel.h"
#include "people.h"
#include "rates.h"
#include "session/session.h"
#include "static.h"
#include "store/store.h"

struct app {
    struct config config;
    uv_loop_t loop;
    struct arena *arena;  /* what lives as long as the server */
    struct span *origins; /* ALLOWED_ORIGINS */
    size_t origin_count;
    struct span issuer;       /* of the tokens, the first; null when none is known */
    struct static_site *site; /* the web app; NULL without one */
    struct store *store;
    struct clerk *clerk;
    struct launcher *launcher;
    struct analyser *analyser;
    struct sessions *sessions;
    struct http *http;
    struct rates *rates;      /* NULL: no limits */
    struct channels channels; /* all WebSockets */
    struct people people;     /* who they are, and who is refused */
    struct list vigils;       /* handlers_run.c: requests that wait for the end of a run */
    uv_signal_t signals[2];   /* SIGTERM, SIGINT */
    unsigned signal_count;
    bool draining;
    int exit_code;
};

/* The kernels' Python: as configured, or `kernel` in the folder of the binary. */
const char *app_kernel_dir(struct arena *a, const struct config *config);
/* Serves until a signal; returns the exit code. `config` is copied. */
int app_run(const struct config *config);
