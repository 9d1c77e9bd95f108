/* server: a key server that behaves as it is told, good or bad. A thread of its own, plain sockets
 * on 127.0.0.1, one request per connection. */
#pragma once

#include <stdatomic.h>

enum server_mood {
    SERVER_SERVES,     /* 200 and the document */
    SERVER_HANGS,      /* reads the request and says nothing */
    SERVER_TRICKLES,   /* sends the head, then a byte from time to time, for ever */
    SERVER_IS_SLOW,    /* answers after 300 ms */
    SERVER_FAILS,      /* 500, with the document as its body */
    SERVER_REDIRECTS,  /* 302 to /elsewhere, where the document is */
    SERVER_FLOODS,     /* a body without an end */
    SERVER_IS_HUGE,    /* announces 2 MiB and sends them */
    SERVER_BABBLES,    /* 200 and no JSON */
    SERVER_HAS_NONE,   /* 200 and an empty key set */
    SERVER_CUTS,       /* closes in the middle of the body */
    SERVER_HANGS_UP,   /* closes at once */
    SERVER_IS_NO_HTTP, /* answers like a mail server */
    SERVER_REPLIES,    /* as server_reply says */
};

struct server;

struct server *server_start(void);
void server_stop(struct server *s);
int server_port(const struct server *s);
/* The text is borrowed until the next call. */
void server_set(struct server *s, enum server_mood mood, const char *document);
/* A status line and header lines ("X: y\r\n") of one's own. All borrowed until the next call. */
void server_reply(struct server *s, const char *status, const char *headers, const char *document);
/* Requests read since the start. */
int server_count(const struct server *s);
int server_elsewhere_count(const struct server *s); /* of them, those for /elsewhere */
/* The head of the last request; valid while no other comes. */
const char *server_last(const struct server *s);
