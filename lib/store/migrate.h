/* migrate: brings a file to the schema of this build. Forward only; the file's user_version is the
 * number of the last step taken. The steps are schema/sql/NNN-*.sql, built in by scripts/embed.py.
 */
#pragma once

#include "store/db.h"

struct migrate_step {
    int version; /* 1, 2, 3... */
    const char *name;
    const char *sql;
};
extern const struct migrate_step migrate_steps[];
extern const size_t migrate_step_count;

/* Only reads. ERR_INVALID (logged, with what to do) when the file is damaged, not ours, or newer
 * than this build. */
MUST_CHECK enum err migrate_check(struct db *d, size_t step_count);
/* Of the last step taken. */
MUST_CHECK enum err migrate_version(struct db *d, int64_t *out);
/* Takes the steps that are missing, each in a transaction of its own. A failure leaves the earlier
 * ones taken. */
MUST_CHECK enum err migrate_run(struct db *d, const struct migrate_step *steps, size_t count);
