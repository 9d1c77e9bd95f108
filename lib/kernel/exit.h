/* exit: why a process ended, in words for people. Pure. */
#pragma once

#include "base/text.h"

/* `status` as from waitpid(2). Adds one sentence: "The kernel was killed by signal 9 (SIGKILL); its
 * peak memory was 812 MB." The memory is told for signals, when it is known (`peak_kb` > 0). */
void exit_describe(struct text *out, int status, int64_t peak_kb);
