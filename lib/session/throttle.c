/* throttle: text beyond what is shown is taken at a bounded rate, so that a cell that prints
 * without end costs the others little of the loop, the disk and the processors. The kernel waits
 * meanwhile. */
#include "base/clock.h"
#include "session/internal.h"

#define TEXT_PER_MS ((uint64_t)16 * 1024) /* bytes: 16 MiB a second */
#define AHEAD_US 4000                     /* of that rate, before the kernel has to wait */
#define TICK_MS 1

static void on_tick(uv_timer_t *timer)
{
    struct sessions *all = timer->data;
    uint64_t now = clock_mono_us();
    LIST_EACH (it, &all->throttled) {
        struct session *s = LIST_ENTRY(it, struct session, throttled);
        if (s->text_due_us <= now) {
            list_remove(&s->throttled);
            batch_hold_back(s);
        }
    }
    if (list_is_empty(&all->throttled)) {
        (void)uv_timer_stop(timer);
    }
}

void throttle_text(struct session *s, size_t bytes)
{
    struct sessions *all = s->all;
    uint64_t now = clock_mono_us();
    uint64_t from = s->text_due_us > now ? s->text_due_us : now;
    s->text_due_us = from + bytes * 1000 / TEXT_PER_MS;
    if (s->text_due_us < now + AHEAD_US || list_is_linked(&s->throttled)) {
        return;
    }
    if (list_is_empty(&all->throttled)) {
        (void)uv_timer_start(&all->throttle, on_tick, TICK_MS, TICK_MS);
    }
    list_add_last(&all->throttled, &s->throttled);
    batch_hold_back(s);
}

void throttle_end(struct session *s)
{
    list_remove(&s->throttled);
    s->text_due_us = 0;
}
