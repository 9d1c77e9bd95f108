/* backup: a copy of the database beside it, made before a migration changes it (RELIABILITY 3.1):
 * FILE.before-N, N being the step to be taken. We never remove one, nor write over one. */
#pragma once

#include "store/db.h"

/* Nothing is done when a start that failed has left a copy and the database has not changed since.
 * ERR_DISK_FULL and ERR_LIMIT (copies of too many starts that failed) are logged with what to do.
 */
MUST_CHECK enum err backup_before(struct db *d, const char *dir, const char *file, int64_t step);
