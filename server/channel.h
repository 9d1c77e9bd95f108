/* channel: one WebSocket of one user on one notebook (CONTRACT 3). */
#pragma once

#include "request.h"

/* What a client that takes stdout whole has not been sent yet. */
struct whole_stdout {
    struct id cell;
    bool pending;
    size_t end;  /* where the text of `cell` ends by the latest event */
    size_t sent; /* where the last message sent ended */
};

/* OPENED -> SIGNING_IN -> OPENING -> LIVE, and any of them -> CLOSED.
 *   OPENED      waits for the first message, `authenticate`
 *   SIGNING_IN  the token waits for signing keys
 *   OPENING     the notebook is being loaded; messages wait
 *   LIVE        watches the session
 *   CLOSED      a close frame is on its way, or the socket is gone */
enum channel_state {
    CHANNEL_OPENED,
    CHANNEL_SIGNING_IN,
    CHANNEL_OPENING,
    CHANNEL_LIVE,
    CHANNEL_CLOSED
};

struct channel {
    struct app *app;
    struct ws *ws; /* NULL once it is gone */
    enum channel_state state;
    bool cumulative;  /* signed in by ?token=: takes stdout as a whole each time (CONTRACT 0.1) */
    bool seeded;      /* the samples were made for an alias */
    unsigned holds;   /* the socket, the timer and pending callbacks: the last one out frees */
    uv_timer_t timer; /* first the sign-in deadline, then the life of the socket */
    struct watcher watcher;
    struct session *session; /* while LIVE */
    char *wanted;            /* notebook as in the path */
    char *token;             /* while it waits for signing keys */
    char *user, *notebook_id;
    struct text waiting; /* messages that came too early, each ended by a NUL */
    struct whole_stdout whole;
};

/* commands.c: one message of a signed-in client. */
void command_run(struct channel *ch, struct span text);

/* --- channel.c, for commands.c --- */
void channel_send(struct channel *ch, struct span message);
/* {"type":"error","message":...} */
void channel_error(struct channel *ch, struct span message);
/* The error, unless it is null, and then the close. */
void channel_refuse(struct channel *ch, unsigned code, struct span message, struct span reason);
/* Judges a renewed token; answers auth_refreshed or an error, perhaps later. */
void channel_refresh(struct channel *ch, struct span token);

/* What both need: a message as an object with a string `type`. The tree lives in `a`; NULL with a
 * reason in *why. */
const struct json *command_parse(struct arena *a, struct span text, const char **why);
