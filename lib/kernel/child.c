#include "kernel/child.h"

#include <assert.h>
#include <signal.h>

#include "base/log.h"
#include "kernel/exit.h"
#include "kernel/launcher.h"

enum {
    ASKED_MAX = 16, /* forks under way; bounds the descriptors in flight (unix(7), ETOOMANYREFS) */
    PACKETS_MAX =
        4096, /* signals beyond it are dropped; SIGKILL is sent once per child and never dropped */
    CWD_MAX = 4096,
    FIRST_PID = 2, /* 1 and 0 would mean "everybody" to kill(2) */
};

struct packet {
    struct list node;
    struct child *child; /* whose request this is; NULL for a signal */
    bool is_early;       /* the launcher takes it before it is warm */
    struct text bytes;
    struct ends with;
};

static void packet_free(struct launcher *l, struct packet *p)
{
    list_remove(&p->node);
    l->packet_count--;
    ends_close(&p->with);
    text_free(&p->bytes);
    mem_free(p);
}

static struct packet *packet_new(struct launcher *l)
{
    struct packet *p = mem_alloc(sizeof *p);
    p->bytes = TEXT(LAUNCHER_PACKET_MAX);
    list_add_last(&l->packets, &p->node);
    l->packet_count++;
    return p;
}

/* --- asking --- */

static void set_deadline(struct child *c)
{
    c->deadline = uv_now(c->launcher->loop) + c->launcher->limits.answer_ms;
}

/* OK when the launcher has it; otherwise it stays. */
static enum err send_packet(struct launcher *l, struct packet *p)
{
    if (p->child != NULL && l->asked >= ASKED_MAX) {
        return ERR_LIMIT;
    }
    enum err e = ends_send(l->socket, text_span(&p->bytes), &p->with);
    if (e == OK && p->child != NULL) {
        p->child->state = CHILD_ASKED;
        p->child->request = NULL;
        set_deadline(p->child);
        l->asked++;
    }
    return e;
}

static bool is_due(const struct launcher *l, const struct packet *p)
{
    return l->state == LAUNCHER_WARM || (l->state == LAUNCHER_WARMING && p->is_early);
}

void child_pump(struct launcher *l)
{
    enum err e = OK;
    LIST_EACH (it, &l->packets) {
        struct packet *p = LIST_ENTRY(it, struct packet, node);
        if (!is_due(l, p)) {
            continue;
        }
        e = send_packet(l, p);
        if (e != OK) {
            break;
        }
        packet_free(l, p);
    }
    if (e == ERR_UNAVAILABLE) {
        launcher_fall(l, LAUNCHER_STOPPED);
    } else if (l->state == LAUNCHER_WARM) {
        launcher_watch(l, e != OK && l->asked < ASKED_MAX);
    }
}

static void write_limits(struct json_writer *w, const struct launcher_options *o)
{
    json_put_name(w, SPAN("limits"));
    json_open_object(w);
    json_member_int(w, SPAN("data_bytes"), (int64_t)o->kernel_data_bytes);
    json_member_int(w, SPAN("files"), o->kernel_files);
    json_member_int(w, SPAN("file_bytes"), (int64_t)o->kernel_file_bytes);
    json_close_object(w);
}

static void write_spawn(struct packet *p, const struct child *c, enum child_kind kind,
                        const char *cwd)
{
    struct json_writer w = JSON_WRITER(&p->bytes);
    json_open_object(&w);
    json_member_string(&w, SPAN("op"), SPAN("spawn"));
    json_member_int(&w, SPAN("id"), (int64_t)c->id);
    json_member_string(&w, SPAN("kind"), kind == CHILD_KERNEL ? SPAN("kernel") : SPAN("analyser"));
    if (kind == CHILD_KERNEL) {
        json_member_string(&w, SPAN("cwd"), span_str(cwd));
    }
    write_limits(&w, &c->launcher->limits);
    json_close_object(&w);
}

void child_start(struct child *c, struct launcher *l, enum child_kind kind, const char *cwd,
                 struct ends *theirs)
{
    assert(c->state == CHILD_ENDED && !l->closing);
    assert(kind != CHILD_KERNEL || strlen(cwd) < CWD_MAX);
    c->launcher = l;
    c->id = ++l->last_id;
    c->state = CHILD_QUEUED;
    c->pid = 0;
    c->killed = false;
    c->deadline = 0;
    list_add_last(&l->children, &c->node);
    struct packet *p = packet_new(l);
    p->child = c;
    p->is_early = kind == CHILD_ANALYSER;
    c->request = p;
    write_spawn(p, c, kind, cwd);
    p->with = *theirs;
    theirs->count = 0;
    child_pump(l);
}

static void send_signal(struct child *c, int signal)
{
    struct packet *p = packet_new(c->launcher);
    struct json_writer w = JSON_WRITER(&p->bytes);
    json_open_object(&w);
    json_member_string(&w, SPAN("op"), SPAN("signal"));
    json_member_int(&w, SPAN("pid"), c->pid);
    json_member_int(&w, SPAN("signal"), signal);
    json_member_bool(&w, SPAN("group"), true);
    json_close_object(&w);
    child_pump(c->launcher);
}

void child_signal(struct child *c, int signal)
{
    if (c->state == CHILD_RUNNING && !c->killed && c->launcher->packet_count < PACKETS_MAX) {
        send_signal(c, signal);
    }
}

/* --- ending --- */

static void end(struct child *c, struct span why)
{
    struct launcher *l = c->launcher;
    if (c->state == CHILD_ASKED) {
        l->asked--;
    }
    if (c->request != NULL) {
        packet_free(l, c->request);
        c->request = NULL;
    }
    list_remove(&c->node);
    c->state = CHILD_ENDED;
    c->on_ended(c, why); /* may free `c` */
    launcher_child_ended(l);
}

void child_kill(struct child *c)
{
    if (c->state == CHILD_ENDED || c->killed) {
        return;
    }
    c->killed = true;
    if (c->state == CHILD_QUEUED) {
        end(c, SPAN("The kernel was stopped before it started."));
    } else if (c->state == CHILD_RUNNING) {
        set_deadline(c);
        send_signal(c, SIGKILL);
    }
}

static void drop_signals(struct launcher *l)
{
    LIST_EACH (it, &l->packets) {
        struct packet *p = LIST_ENTRY(it, struct packet, node);
        if (p->child == NULL) {
            packet_free(l, p);
        }
    }
}

/* What is asked for inside a callback is asked of the next launcher, so the list is taken first. */
void child_end_all(struct launcher *l, struct span why)
{
    struct list ending;
    struct list *node;
    list_init(&ending);
    drop_signals(l);
    while ((node = list_take_first(&l->children)) != NULL) {
        list_add_last(&ending, node);
    }
    while (!list_is_empty(&ending)) {
        end(LIST_ENTRY(ending.next, struct child, node), why);
    }
}

bool child_is_overdue(const struct launcher *l, uint64_t now)
{
    LIST_EACH (it, &l->children) {
        const struct child *c = LIST_ENTRY(it, struct child, node);
        if (c->deadline != 0 && now > c->deadline) {
            return true;
        }
    }
    return false;
}

/* --- reports --- */

struct report {
    struct span event, error;
    int64_t id, pid, status, peak_kb;
};

#define REPORT(member, field_type)                                                                 \
    {                                                                                              \
        .name = #member, .type = (field_type), .offset = offsetof(struct report, member),          \
        .required = true                                                                           \
    }

static void on_spawned(struct child *c, const struct report *r)
{
    c->launcher->asked--;
    c->state = CHILD_RUNNING;
    c->pid = r->pid;
    c->deadline = 0;
    if (c->killed) {
        set_deadline(c);
        send_signal(c, SIGKILL);
    } else {
        c->on_running(c);
    }
}

static void on_failed(struct child *c, const struct report *r)
{
    CLEANUP(text_free) struct text why = TEXT(LAUNCHER_PACKET_MAX + 64);
    text_addf(&why, "The kernel could not be started: %.*s.", SPAN_ARGS(r->error));
    end(c, text_span(&why));
}

static void on_exited(struct child *c, const struct report *r)
{
    CLEANUP(text_free) struct text why = TEXT(256);
    exit_describe(&why, (int)r->status, r->peak_kb);
    end(c, text_span(&why));
}

static const struct json_field spawned_fields[] = {
    REPORT(id, JSON_FIELD_INT),
    REPORT(pid, JSON_FIELD_INT),
};
static const struct json_field failed_fields[] = {
    REPORT(id, JSON_FIELD_INT),
    REPORT(error, JSON_FIELD_STRING),
};
static const struct json_field exited_fields[] = {
    REPORT(id, JSON_FIELD_INT),
    REPORT(pid, JSON_FIELD_INT),
    REPORT(status, JSON_FIELD_INT),
    REPORT(peak_kb, JSON_FIELD_INT),
};

static const struct report_kind {
    const char *event;
    const struct json_field *fields;
    size_t count;
    enum child_state when; /* the state the child is in */
    void (*handle)(struct child *c, const struct report *r);
} report_kinds[] = {
    {"spawned", spawned_fields, 2, CHILD_ASKED, on_spawned},
    {"failed", failed_fields, 2, CHILD_ASKED, on_failed},
    {"exited", exited_fields, 4, CHILD_RUNNING, on_exited},
};

static const struct report_kind *find_kind(struct span event)
{
    for (size_t i = 0; i < sizeof report_kinds / sizeof *report_kinds; i++) {
        if (span_eq(span_str(report_kinds[i].event), event)) {
            return &report_kinds[i];
        }
    }
    return NULL;
}

static struct child *find_child(const struct launcher *l, int64_t id)
{
    LIST_EACH (it, &l->children) {
        struct child *c = LIST_ENTRY(it, struct child, node);
        if (c->id == (uint64_t)id) {
            return c;
        }
    }
    return NULL;
}

enum err child_report(struct launcher *l, const struct json *report)
{
    const struct report_kind *kind = find_kind(json_get_string(report, SPAN("event")));
    struct report r = {.pid = FIRST_PID};
    struct json_problem problem;
    if (kind == NULL || json_decode(report, kind->fields, kind->count, &r, &problem) != OK) {
        return ERR_INVALID;
    }
    struct child *c = find_child(l, r.id);
    bool fits = c != NULL && c->state == kind->when && r.pid >= FIRST_PID && r.pid <= INT32_MAX;
    if (!fits || (c->state == CHILD_RUNNING && r.pid != c->pid)) {
        return ERR_INVALID;
    }
    kind->handle(c, &r);
    child_pump(l); /* a place among the forks under way may be free now */
    return OK;
}
