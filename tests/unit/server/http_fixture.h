/* http_fixture: a server in a child process with a small application, and a client that says
 * exactly the bytes it is told to. The child ends by http_close on SIGTERM, closes its loop, and
 * exits with 0 only when everything was clean (under sanitizers that includes leaks).
 *
 * The application:
 *   any path not below      200, what it saw of the call as JSON
 *   /status/N               N, body {}
 *   /big/N                  N bytes of 'x', text/plain
 *   /headers                two headers of its own, and one that tries to split the response
 *   /later/MS               200 {"late":true} after MS milliseconds
 *   /hold                   answered only when the whole server has been closed
 *   /body                   the body itself, from a copy made after the event loop turned twice
 *   /busy/MS                200 after MS milliseconds in which nothing else happens
 *   /own                    a cache-control and a policy of its own
 *   /wait                   answered when its client has left
 *   /waiting                how many wait so, and how many have been told
 *   /usage                  open descriptors, connections without TCP_NODELAY, bytes of the heap
 *   /descriptors/N          from now on N more can be had; over 100: as many as at first
 *   /heap                   "kept" when freed memory stays with the process
 *   /counts                 how many sockets were opened and closed
 *   /ws                     a WebSocket; see http_app.c for what it does with messages */
#pragma once

#include <sys/types.h>

#include "base/text.h"
#include "http/http.h"

struct fixture {
    pid_t child;
    unsigned port;
    int log; /* the child's standard error */
};

/* A base to change before fixture_start: quick deadlines of the WebSocket kind, patient others. */
struct http_options fixture_options(void);
extern struct http_timing fixture_timing; /* what fixture_options points to */
struct fixture fixture_start(const struct http_options *options);
/* SIGTERM; true when the child exited with 0. What it logged is shown when not. */
bool fixture_stop(struct fixture *f);
void fixture_signal(const struct fixture *f);
bool fixture_wait(struct fixture *f);
/* All it has logged so far, NUL-terminated; for mem_free. */
char *fixture_log(const struct fixture *f);

#define FIXTURE_DEADLINE_MS 1000 /* that http_close gets */
#define FIXTURE_MESSAGE_MAX 65536
#define FIXTURE_QUEUE_MAX 262144

/* --- client --- */
struct answer {
    int status;       /* 0: the connection ended, or nothing came for 5 s */
    struct text head; /* lower-cased */
    struct text body;
};

int client_dial(const struct fixture *f);
void client_say(int fd, struct span bytes);
/* False when the other side has closed, or takes nothing for 5 s. */
bool client_try(int fd, struct span bytes);
/* Reads one response; `headless` when it answers HEAD. Skips 100 Continue. */
struct answer client_hear(int fd, bool headless);
void answer_free(struct answer *a);
bool answer_has(const struct answer *a, const char *line); /* in the head, lower case */
bool answer_is(const struct answer *a, const char *body);
/* Dials, says, hears, hangs up; only the status. */
int client_status(const struct fixture *f, struct span bytes);
/* True when the other side has closed (or closes within `ms`); bytes before that are thrown away.
 */
bool client_is_closed(int fd, int ms);
/* Hangs up with a reset instead of an orderly end. */
void client_reset(int fd);
/* Exactly `n` bytes; false at an end or after 5 s. */
bool client_read(int fd, char *p, size_t n);
