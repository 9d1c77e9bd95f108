/* channel: one WebSocket of one user on one notebook: how it begins, what it is told, how it ends
 * (CONTRACT 3, and version 2 of the protocol: schema/openapi.yaml). */
#pragma once

#include "cursor.h"
#include "lease.h"
#include "request.h"

/* What a client of version 1 that takes stdout whole has not been sent yet. */
struct whole_stdout {
    struct id cell;
    bool pending;
    size_t end;  /* where the text of `cell` ends by the latest event */
    size_t sent; /* where the last message sent ended */
};

/* OPENED -> SIGNING_IN -> OPENING -> LIVE, and any of them -> CLOSED.
 *   OPENED      waits for the first message, `authenticate`
 *   SIGNING_IN  the token waits for signing keys
 *   OPENING     the notebook is being loaded, or the journal looked at; messages wait
 *   LIVE        watches the session, and has been greeted
 *   CLOSED      a close frame is on its way, or the socket is gone */
enum channel_state {
    CHANNEL_OPENED,
    CHANNEL_SIGNING_IN,
    CHANNEL_OPENING,
    CHANNEL_LIVE,
    CHANNEL_CLOSED
};

/* What the client says of itself: the version it speaks, 1 or 2, and how far it has come. */
struct hello {
    int64_t version;
    int64_t since; /* -1 without one */
    char *epoch;   /* NULL without one. Owned */
};

struct channel {
    struct list link;       /* channels.c: of all */
    struct list login_link; /* of the same Clerk session */
    struct app *app;
    struct ws *ws; /* NULL once it is gone */
    enum channel_state state;
    struct hello hello;
    bool cumulative;  /* version 1 by ?token=: takes stdout as a whole each time (CONTRACT 0.1) */
    bool seeded;      /* the samples were made for an alias */
    unsigned holds;   /* the socket, the timer and pending callbacks: the last one out frees */
    uv_timer_t timer; /* the sign-in deadline */
    struct lease lease;
    struct watcher watcher;
    struct session *session; /* while it is watched */
    char *wanted;            /* notebook as in the path */
    char *token;             /* while it waits for signing keys */
    char *user, *session_id, *notebook_id;
    char *impersonator_id;      /* who acts as the user, or NULL */
    char *address, *request_id; /* of the handshake */
    char *login_key;            /* channels.c: under which it is found; NULL when it is not */
    struct text waiting;        /* messages that came too early, each ended by a NUL */
    struct whole_stdout whole;
    struct cursor cursor;
    unsigned errands;          /* commands of version 2 that are not answered yet */
    unsigned nonsense;         /* messages that were none */
    bool follows_variables;    /* wants them after every plan */
    bool asks_variables;       /* a question is under way */
    bool asks_variables_again; /* another plan has ended since */
};

/* --- channel.c: its life --- */
void channel_move(struct channel *ch, enum channel_state to); /* asserts that it is allowed */
void channel_release(struct channel *ch);
/* {"type":"error"} with the message, unless that is null, and then the close. Version 2 knows
 * errors only before it is greeted. */
void channel_refuse(struct channel *ch, unsigned code, struct span message, struct span reason);
/* The token of a hello or a renewal has been judged good. */
void channel_lend(struct channel *ch, const struct clerk_identity *who);
/* Version 1's refresh_auth: answers auth_refreshed or an error, perhaps later. */
void channel_refresh(struct channel *ch, struct span token);

/* --- channel_open.c: from a user to a session --- */
void channel_open_notebook(struct channel *ch);
/* cursor.c has looked: `resume` is "events" or "snapshot". Version 2 only. */
void channel_greet(struct channel *ch, struct span resume);

/* --- channel_events.c: what it is told --- */
void channel_send(struct channel *ch, struct span message);
/* {"type":"error","message":...} */
void channel_error(struct channel *ch, struct span message);
void channel_on_event(struct watcher *watcher, const struct event *e);
void channel_on_session_end(struct watcher *watcher, enum session_end why);

/* --- commands.c --- */
/* One message of a greeted client. */
void command_run(struct channel *ch, struct span text);
/* A message as an object with a string `type`. The tree lives in `a`; NULL with a reason in *why.
 */
const struct json *command_parse(struct arena *a, struct span text, const char **why);
/* The hello's members of a first message, where it has them. False when they make no sense. */
bool command_parse_hello(const struct json *message, struct hello *hello);
