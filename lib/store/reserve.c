#include "store/reserve.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/dir.h"

#define AGAIN_US 10000000

void reserve_open(struct reserve *r, const char *dir)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    r->path = mem_copy(arena_printf(a, "%s/reserve", dir));
    int64_t size = 0;
    r->there = dir_size(r->path, &size) == OK && size == RESERVE_SIZE;
    if (!r->there && dir_allocate_file(r->path, RESERVE_SIZE) == OK) {
        r->there = true;
    }
    if (!r->there) {
        log_event(LOG_WARN, "store_without_reserve",
                  LOG_STR("why", "on a full disk nothing can be deleted"),
                  LOG_STR("do", "make room in DATA_DIR"), LOG_INT("bytes", RESERVE_SIZE));
    }
}

void reserve_free(struct reserve *r)
{
    mem_free(r->path);
    *r = (struct reserve){0};
}

bool reserve_release(struct reserve *r)
{
    if (!r->there) {
        return false;
    }
    dir_remove_file(r->path);
    r->there = false;
    r->tried_us = 0;
    log_event(LOG_WARN, "store_reserve_used", LOG_STR("do", "make room in DATA_DIR"));
    return true;
}

bool reserve_is_due(const struct reserve *r)
{
    return !r->there && (r->tried_us == 0 || clock_mono_us() - r->tried_us >= AGAIN_US);
}

void reserve_renew(struct reserve *r)
{
    r->tried_us = clock_mono_us();
    r->there = dir_allocate_file(r->path, RESERVE_SIZE) == OK;
    if (r->there) {
        log_event(LOG_INFO, "store_reserve_back", LOG_INT("bytes", RESERVE_SIZE));
    }
}
