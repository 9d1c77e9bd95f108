/* audit: the trail's rows. Private to store. */
#pragma once

#include "store/write.h"

/* On the writer's thread, inside a change. */
MUST_CHECK enum err audit_append(struct db *d, const struct store_write *w,
                                 const struct store_audit *row);
/* Cuts what is too long, into `w`'s arena. */
struct store_actor audit_copy_actor(struct store_write *w, const struct store_actor *actor);
