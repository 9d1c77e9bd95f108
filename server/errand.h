/* errand: one message of a client of version 2, from its arrival to its one answer: reply or
 * refused. Outlives its socket when the session still owes an answer. */
#pragma once

#include "channel.h"

#define ERRANDS_MAX 256 /* of one channel that are not answered yet */

struct errand;

/* One row per type of message. */
struct verb {
    struct span type;
    const struct json_field *fields;
    size_t field_count;
    /* One of both: what the session is asked, answered by `write`, or what ends in errand_reply or
     * errand_refuse, now or later. */
    action_fn act;
    void (*start)(struct errand *e);
    /* The members of the result besides those of the session's document; NULL for none. */
    void (*write)(struct json_writer *w, const struct session_result *r);
    const char *not_found, *conflict, *invalid; /* own words for these, or NULL */
    bool is_run;                                /* takes from the user's runs */
    bool when_expired;                          /* may be asked for while the token has expired */
};

struct errand {
    struct channel *ch; /* held */
    struct arena *arena;
    const struct verb *verb;
    struct span id;   /* JSON, as sent; null without one */
    struct body body; /* its strings are the message's: gone when `start` has returned */
    bool waited;      /* for signing keys: once is enough */
};

struct refusal {
    struct span code, message;
    unsigned retry_after_s;               /* 0: not told */
    const struct session_result *current; /* of a conflict: the revision and the code; or NULL */
};

/* Holds the channel; `id` is copied. */
struct errand *errand_new(struct channel *ch, struct span id);
/* All of the following but errand_progress end it. */
/* {"type":"reply","id","result":{...}}: the session's document, if any, with what `write` adds. */
void errand_reply(struct errand *e, const struct session_result *r);
void errand_refuse(struct errand *e, const struct refusal *refusal);
/* The session_done_cb of every errand: one of both. */
void errand_done(void *errand, enum err e, const struct session_result *r);
/* `members` is what stands between the braces of the result. */
void errand_reply_members(struct errand *e, struct span members);
/* Without a word: another message was the answer, or nobody is there. */
void errand_drop(struct errand *e);
/* {"type":"progress"}, for whoever gave an id. */
void errand_progress(void *errand, size_t done, size_t total);

/* verbs.c */
const struct verb *verb_find(struct span type);
