/* cursor: how far a channel of version 2 has come in the notebook's events. What it has not sent
 * yet it does not keep: it reads it from the store, page by page, when the client is ready for
 * more. So a slow client costs its socket's queue and nothing else, and nothing is lost. */
#pragma once

#include "session/session.h"

struct channel;

/*            .------------------ LIVE <----------------.
 *            v                   ^ |                   |
 * OFF --> READING <--> FULL -----' |                   |
 *  |       |    ^       ^----------'                   |
 *  |       v    |                                      |
 *  `--> SNAPSHOTTING ----------------------------------'   (and to FULL)
 *   OFF           the client has not been greeted; events are in the journal
 *   LIVE          events are sent as they come
 *   FULL          events are left in the journal until the socket's queue is low again
 *   READING       a page of the journal is being read; so are they
 *   SNAPSHOTTING  the journal has lost what comes next: the whole notebook is being written */
enum cursor_state { CURSOR_OFF, CURSOR_LIVE, CURSOR_FULL, CURSOR_READING, CURSOR_SNAPSHOTTING };

#define CURSOR_HIGH ((size_t)1024 * 1024) /* bytes in the socket's queue */
#define CURSOR_LOW ((size_t)64 * 1024)

struct cursor {
    enum cursor_state state;
    int64_t seq;                   /* of the last event that was sent */
    int64_t asked;                 /* session_seq when the page that is being read was asked for */
    bool kernel_due, presence_due; /* to be told as they are by then */
};

/* The session is being watched. Ends in channel_greet, perhaps later: the client is told whether
 * events follow or a snapshot. */
void cursor_start(struct channel *ch);
void cursor_event(struct channel *ch, const struct event *e);
/* The socket's queue has fallen to CURSOR_LOW. */
void cursor_drained(struct channel *ch);
/* The kernel's state and who is here, as they are now. */
void cursor_tell_news(struct channel *ch);
