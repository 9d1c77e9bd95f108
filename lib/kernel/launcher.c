#include "kernel/launcher.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "kernel/spawn.h"

enum {
    WARM_MS = 60000,
    ANSWER_MS = 10000,
    START_MS = 20000,
    WATCH_MS = 250,
    RESTART_MS = 1000, /* between two starts, doubled with every failure */
    RESTART_MAX_MS = 30000,
    HANG_UP_MS = 2000, /* to leave by itself when closing */
    PATH_BYTES_MAX = 4096,
};

static const char STOPPED[] = LAUNCHER_STOPPED;
static const char NOT_STARTED[] = "The kernel launcher cannot be started.";

static const unsigned allowed[] = {
    [LAUNCHER_DOWN] = 1U << LAUNCHER_WARMING,
    [LAUNCHER_WARMING] = 1U << LAUNCHER_WARM | 1U << LAUNCHER_FALLING,
    [LAUNCHER_WARM] = 1U << LAUNCHER_FALLING,
    [LAUNCHER_FALLING] = 1U << LAUNCHER_DOWN,
};

static void move(struct launcher *l, enum launcher_state next)
{
    assert((allowed[l->state] >> next & 1U) != 0);
    l->state = next;
}

/* --- the end of everything --- */

static void on_timer_closed(uv_handle_t *h)
{
    struct launcher *l = h->data;
    if (--l->timers > 0) {
        return;
    }
    launcher_closed_cb closed = l->closed;
    void *data = l->data;
    mem_free(l->python);
    mem_free(l->script);
    mem_free(l->home);
    mem_free(l);
    if (closed != NULL) {
        closed(data);
    }
}

/* When closing: the last thing after the process is gone. */
static void finish(struct launcher *l)
{
    uv_close((uv_handle_t *)&l->watch, on_timer_closed);
    uv_close((uv_handle_t *)&l->restart, on_timer_closed);
}

/* --- falling --- */

static void kill_process(struct launcher *l)
{
    int result = l->running ? uv_process_kill(&l->process, SIGKILL) : 0;
    if (result != 0 && result != UV_ESRCH) {
        log_event(LOG_ERROR, "cannot kill the launcher", LOG_STR("error", uv_strerror(result)));
    }
}

/* It leaves at the end of its socket, even when it may not be killed by us (it may be root). What
 * it has reported before can still be read. */
static void hang_up(struct launcher *l)
{
    (void)shutdown(l->socket, SHUT_WR);
}

void launcher_fall(struct launcher *l, const char *why)
{
    if (l->state == LAUNCHER_WARMING || l->state == LAUNCHER_WARM) {
        if (!l->closing) {
            log_event(LOG_ERROR, "launcher is stopped", LOG_STR("why", why));
        }
        l->why = why;
        move(l, LAUNCHER_FALLING);
        (void)uv_poll_stop(&l->poll);
        hang_up(l);
        kill_process(l);
    }
}

static uint64_t restart_delay(const struct launcher *l)
{
    uint64_t delay = RESTART_MS;
    for (unsigned i = 1; i < l->failures && delay < RESTART_MAX_MS; i++) {
        delay *= 2;
    }
    delay = delay < RESTART_MAX_MS ? delay : RESTART_MAX_MS;
    uint64_t since = uv_now(l->loop) - l->started;
    return since < delay ? delay - since : 0;
}

static void on_restart(uv_timer_t *t);

static void on_handle_closed(uv_handle_t *h)
{
    struct launcher *l = h->data;
    if (--l->handles > 0) {
        return;
    }
    move(l, LAUNCHER_DOWN);
    if (l->closing) {
        finish(l);
        return;
    }
    (void)uv_timer_start(&l->restart, on_restart, restart_delay(l), 0);
}

/* The process is gone, or was never there: closes what belongs to this life. */
static void release(struct launcher *l)
{
    uv_close((uv_handle_t *)&l->process, on_handle_closed);
    if (l->socket >= 0) {
        uv_close((uv_handle_t *)&l->poll, on_handle_closed);
        (void)close(l->socket); /* after uv_close the loop no longer watches it */
        l->socket = -1;
    }
}

/* --- what it says --- */

static enum err take_ready(struct launcher *l, const struct json *report)
{
    const struct json *ms = json_get(report, SPAN("ms"));
    if (l->state != LAUNCHER_WARMING || ms == NULL || !ms->is_integer) {
        return ERR_INVALID;
    }
    log_event(LOG_INFO, "launcher is warm", LOG_INT("ms", ms->integer),
              LOG_SPAN("python", json_get_string(report, SPAN("python"))));
    l->failures = 0;
    move(l, LAUNCHER_WARM);
    child_pump(l);
    return OK;
}

static enum err take_report(struct launcher *l, struct span packet)
{
    static const struct json_limits limits = {
        .bytes = LAUNCHER_PACKET_MAX, .depth = 4, .values = 64};
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    const struct json *report = NULL;
    struct json_error where;
    if (json_parse(a, packet, &limits, &report, &where) != OK) {
        return ERR_INVALID;
    }
    if (span_eq(json_get_string(report, SPAN("event")), SPAN("ready"))) {
        return take_ready(l, report);
    }
    return child_report(l, report);
}

/* One packet; false when there is none, or nothing more to come. That the launcher died with
 * requests unread is told once, before what it has reported (ECONNRESET). A packet that is cut
 * fails to parse. Descriptors are not expected: without room for them the system drops them
 * (recvmsg(2), MSG_CTRUNC). */
static bool read_report(struct launcher *l)
{
    char packet[LAUNCHER_PACKET_MAX];
    ssize_t n = recv(l->socket, packet, sizeof packet, 0);
    if (n < 0 && errno == ECONNRESET) {
        return true;
    }
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            launcher_fall(l, STOPPED);
        }
        return false;
    }
    if (take_report(l, span_of(packet, (size_t)n)) != OK) {
        launcher_fall(l, "The kernel launcher broke its protocol; the kernel ended with it.");
        return false;
    }
    return true;
}

/* A negative status stops the poll in libuv; reading tells what happened. */
static void on_poll(uv_poll_t *handle, int status, int events)
{
    enum { REPORTS_PER_TURN = 64 };
    struct launcher *l = handle->data;
    if ((events & UV_WRITABLE) != 0) {
        child_pump(l);
    }
    if (status >= 0 && (events & UV_READABLE) == 0) {
        return;
    }
    for (int i = 0; i < REPORTS_PER_TURN && l->state != LAUNCHER_FALLING && read_report(l); i++) {
    }
}

void launcher_watch(struct launcher *l, bool writing)
{
    int result =
        uv_poll_start(&l->poll, writing ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_poll);
    assert(result == 0); /* the handle is open */
}

/* What it reported before it died is still in the socket, and says more than "the launcher
 * stopped". */
static void on_exit_of_process(uv_process_t *p, int64_t status, int signal)
{
    struct launcher *l = p->data;
    l->running = false;
    if (!l->closing) {
        log_event(LOG_ERROR, "launcher exited", LOG_INT("status", status),
                  LOG_INT("signal", signal));
    }
    while (read_report(l)) {
    }
    if (l->state != LAUNCHER_FALLING) {
        move(l, LAUNCHER_FALLING);
    }
    child_end_all(l, span_str(l->why));
    release(l);
}

/* --- starting --- */

static void poll_socket(struct launcher *l, int ours)
{
    l->socket = ours;
    l->poll.data = l;
    int result = uv_poll_init(l->loop, &l->poll, ours);
    assert(result == 0); /* a socket can always be polled */
    launcher_watch(l, false);
}

/* Whether it runs. If not it falls like one that died at once. */
static bool start(struct launcher *l)
{
    int ours = -1;
    int theirs = -1;
    l->started = uv_now(l->loop);
    l->failures++;
    l->why = STOPPED;
    if (ends_open_launcher(&ours, &theirs) != OK) {
        child_end_all(l, span_str(NOT_STARTED));
        (void)uv_timer_start(&l->restart, on_restart, RESTART_MAX_MS, 0);
        return false;
    }
    move(l, LAUNCHER_WARMING);
    struct spawn_options o = {l->python, l->script, l->home, theirs, on_exit_of_process};
    l->process.data = l;
    int result = spawn_launcher(l->loop, &l->process, &o);
    (void)close(theirs);
    l->running = result == 0;
    l->handles = 2; /* process (inited even when it could not be executed) and poll */
    poll_socket(l, ours);
    if (result != 0) {
        log_event(LOG_ERROR, "cannot execute the launcher", LOG_STR("python", l->python),
                  LOG_STR("error", uv_strerror(result)));
        launcher_fall(l, NOT_STARTED);
        child_end_all(l, span_str(l->why));
        release(l);
    }
    return l->running;
}

static void on_restart(uv_timer_t *t)
{
    (void)start(t->data); /* logged, and tried again */
}

/* After the server itself was held up, the answers may be there, unread. */
static bool is_overdue(struct launcher *l)
{
    uint64_t now = uv_now(l->loop);
    if (child_is_overdue(l, now)) {
        on_poll(&l->poll, 0, UV_READABLE);
    }
    return l->state == LAUNCHER_WARM && child_is_overdue(l, now);
}

static void on_watch(uv_timer_t *t)
{
    struct launcher *l = t->data;
    uint64_t now = uv_now(l->loop);
    if (l->state == LAUNCHER_WARMING && now > l->started + l->limits.warm_ms) {
        launcher_fall(l, "The kernel launcher did not get ready in time.");
    } else if (l->state == LAUNCHER_WARM && is_overdue(l)) {
        launcher_fall(l, "The kernel launcher stopped answering; the kernel ended with it.");
    }
}

static unsigned or_default(unsigned value, unsigned otherwise)
{
    return value == 0 ? otherwise : value;
}

static void init_timers(struct launcher *l)
{
    l->timers = 2;
    l->watch.data = l->restart.data = l;
    (void)uv_timer_init(l->loop, &l->watch); /* these never fail */
    (void)uv_timer_init(l->loop, &l->restart);
    (void)uv_timer_start(&l->watch, on_watch, WATCH_MS, WATCH_MS);
}

static struct launcher *make(uv_loop_t *loop, const struct launcher_options *o)
{
    struct launcher *l = mem_alloc(sizeof *l);
    struct text script = TEXT(PATH_BYTES_MAX);
    text_addf(&script, "%s/launcher.py", o->script_dir);
    l->loop = loop;
    l->python = mem_copy(span_str(o->python));
    l->script = text_take(&script);
    const char *home = getenv("HOME");
    l->home = mem_copy(span_str(home == NULL ? "/tmp" : home));
    l->limits = *o;
    l->limits.python = l->limits.script_dir = NULL;
    l->limits.warm_ms = or_default(o->warm_ms, WARM_MS);
    l->limits.answer_ms = or_default(o->answer_ms, ANSWER_MS);
    l->limits.start_ms = or_default(o->start_ms, START_MS);
    l->socket = -1;
    list_init(&l->children);
    list_init(&l->packets);
    init_timers(l);
    return l;
}

enum err launcher_open(struct launcher **out, uv_loop_t *loop,
                       const struct launcher_options *options)
{
    struct launcher *l = make(loop, options);
    if (!start(l)) {
        launcher_close(l, NULL, NULL);
        return ERR_UNAVAILABLE;
    }
    *out = l;
    return OK;
}

bool launcher_is_warm(const struct launcher *l)
{
    return l->state == LAUNCHER_WARM;
}

/* --- closing --- */

static void on_hang_up_timeout(uv_timer_t *t)
{
    struct launcher *l = t->data;
    if (l->state == LAUNCHER_WARM) {
        launcher_fall(l, STOPPED);
    }
}

void launcher_child_ended(struct launcher *l)
{
    if (l->closing && list_is_empty(&l->children) && l->state == LAUNCHER_WARM) {
        hang_up(l);
        (void)uv_timer_start(&l->restart, on_hang_up_timeout, HANG_UP_MS, 0);
    }
}

/* From the start each time: the owner of a child that ends at once may close others. */
static struct child *first_alive(const struct launcher *l)
{
    LIST_EACH (it, &l->children) {
        struct child *c = LIST_ENTRY(it, struct child, node);
        if (!c->killed) {
            return c;
        }
    }
    return NULL;
}

static void kill_children(struct launcher *l)
{
    struct child *c;
    while ((c = first_alive(l)) != NULL) {
        child_kill(c);
    }
}

/* While it is warming it forks nothing yet, and would not notice the end of its socket: killed at
 * once. */
void launcher_close(struct launcher *l, launcher_closed_cb closed, void *data)
{
    assert(!l->closing);
    l->closing = true;
    l->closed = closed;
    l->data = data;
    (void)uv_timer_stop(&l->restart);
    kill_children(l);
    if (l->state == LAUNCHER_DOWN) {
        finish(l);
    } else if (l->state == LAUNCHER_WARMING) {
        launcher_fall(l, STOPPED);
    } else {
        launcher_child_ended(l);
    }
}
