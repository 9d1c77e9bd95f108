/* reserve: a file of 8 MiB that holds room on the disk (RELIABILITY 3.1). When the disk is full and
 * content is to be deleted, it goes first, because to delete takes room too; it comes back when
 * there is room again. One thread at a time. */
#pragma once

#include "base/err.h"
#include "base/mem.h"

#define RESERVE_SIZE ((int64_t)8 * 1024 * 1024)

struct reserve {
    char *path;        /* owned */
    bool there;        /* the room is held */
    uint64_t tried_us; /* when it was last tried to get it back */
};

/* A disk without room for it is said, and is no error. */
void reserve_open(struct reserve *r, const char *dir);
void reserve_free(struct reserve *r); /* the file stays */
/* Gives the room away; false when there is none to give. */
bool reserve_release(struct reserve *r);
/* It is gone, and was not tried to get back within the last ten seconds. */
bool reserve_is_due(const struct reserve *r);
/* Takes the room again if there is enough. */
void reserve_renew(struct reserve *r);
