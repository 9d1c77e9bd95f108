/* Reads of one row, on the loop: a few microseconds each. */
#include "store/inside.h"
#include "store/load.h"

enum err store_find(struct store *s, struct arena *a, struct span id, struct store_head *out)
{
    return s->closing ? ERR_UNAVAILABLE : load_head(s->point, a, id, out);
}
