/* launcher: the warm Python process (private half; the public one is in kernel.h). launcher.c minds
 * the process itself, child.c what it is asked to fork. */
#pragma once

#include "base/list.h"
#include "kernel/child.h"

#define LAUNCHER_PACKET_MAX 65536 /* bytes, both ways */
#define LAUNCHER_STOPPED "The kernel launcher stopped; the kernel ended with it."

/* DOWN -> WARMING -> WARM -> FALLING -> DOWN, and WARMING -> FALLING */
enum launcher_state {
    LAUNCHER_DOWN,
    LAUNCHER_WARMING, /* started; imports its libraries */
    LAUNCHER_WARM,    /* takes requests */
    LAUNCHER_FALLING, /* told to stop, or stopped; its handles close */
};

struct launcher {
    uv_loop_t *loop;
    char *python, *script, *home;   /* owned */
    struct launcher_options limits; /* its strings are NULL */

    enum launcher_state state;
    const char *why; /* static sentence: why it falls */
    uv_process_t process;
    uv_poll_t poll;    /* on socket */
    int socket;        /* -1 while DOWN */
    bool running;      /* the process has not been reaped */
    unsigned handles;  /* open ones of process and poll */
    uint64_t started;  /* loop time */
    unsigned failures; /* in a row, without getting warm */

    uv_timer_t watch; /* looks for overdue answers */
    uv_timer_t restart;
    unsigned timers; /* open ones */

    struct list children; /* struct child, in the order of asking */
    struct list packets;  /* struct packet, waiting to be sent */
    size_t packet_count;
    unsigned asked; /* children that are ASKED */
    uint64_t last_id;

    bool closing;
    launcher_closed_cb closed;
    void *data;
};

/* Where its events are wanted now: always reading, writing while packets wait for the socket. */
void launcher_watch(struct launcher *l, bool writing);
/* It broke its promises: it is killed, all its children end, and it is started again. */
void launcher_fall(struct launcher *l, const char *why);
/* The last child has ended: when closing, time to hang up. */
void launcher_child_ended(struct launcher *l);
