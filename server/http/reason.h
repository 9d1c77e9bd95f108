/* reason: the words of a status line. */
#pragma once

/* "" for a status without an entry: a reason phrase may be empty (RFC 9112, 4). */
const char *reason_of(int status);
