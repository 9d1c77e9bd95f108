/* app: everything that the server is made of, from start to stop. */
#pragma once

#include <uv.h>

#include "clerk/clerk.h"
#include "config.h"
#include "http/http.h"
#include "kernel/kernel.h"
#include "session/session.h"
#include "store/store.h"

struct app {
    struct config config;
    uv_loop_t loop;
    struct arena *arena;  /* what lives as long as the server */
    struct span *origins; /* ALLOWED_ORIGINS */
    size_t origin_count;
    struct store *store;
    struct clerk *clerk;
    struct launcher *launcher;
    struct analyser *analyser;
    struct sessions *sessions;
    struct http *http;
    uv_signal_t signals[2]; /* SIGTERM, SIGINT */
    unsigned signal_count;
    bool draining;
    int exit_code;
};

/* Serves until a signal; returns the exit code. `config` is copied. */
int app_run(const struct config *config);
