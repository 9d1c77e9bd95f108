/* process: what a process asks of the kernel about itself: how it dies, and with whom. */
#pragma once

#include <stdbool.h>

/* Text that is still in the channel leaves before the process dies of a fault, abort or SIGTERM.
 * Call once, in the main thread, after channel_open. A fork of this process dies plainly. */
void process_flush_on_death(void);
/* No program it executes gains rights (prctl(2), PR_SET_NO_NEW_PRIVS). */
bool process_no_new_privileges(void);
/* SIGKILL when the thread that forked it ends. The caller looks at getppid() afterwards: the parent
 * may have ended before the call. */
bool process_die_with_parent(void);
/* Orphans below this process become its children (PR_SET_CHILD_SUBREAPER). */
bool process_adopt_orphans(void);
