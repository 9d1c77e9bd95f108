/* What the machine has to offer: a directory to write to, and an interpreter for the kernels. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <uv.h>

#include "app.h"
#include "doctor.h"

#define MIB (UINT64_C(1024) * 1024)
#define SPACE_LEAST (64 * MIB) /* the store's reserve, the log, and some work */
#define SPACE_ENOUGH (1024 * MIB)
#define FILES_ENOUGH 1024
#define PYTHON_MS 30000 /* the first import of pandas on a cold disk is slow */
#define OUTPUT_MAX 4096

/* --- the data directory --- */
static void close_fd(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd); /* nothing was written through it */
    }
}

static void look_at_space(struct doctor *d, const char *dir)
{
    struct statfs fs;
    if (statfs(dir, &fs) != 0) {
        doctor_say(d, DOCTOR_ERROR, "disk", "%s: %s", dir, strerror(errno));
        return;
    }
    uint64_t bytes = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
    unsigned long long mib = bytes / MIB;
    if (bytes < SPACE_LEAST) {
        doctor_say(d, DOCTOR_ERROR, "disk", "only %llu MiB are free. Make room.", mib);
    } else if (bytes < SPACE_ENOUGH) {
        doctor_say(d, DOCTOR_WARNING, "disk", "only %llu MiB are free", mib);
    } else {
        doctor_say(d, DOCTOR_OK, "disk", "%llu MiB are free", mib);
    }
    if (fs.f_type == NFS_SUPER_MAGIC || fs.f_type == SMB_SUPER_MAGIC) {
        doctor_say(d, DOCTOR_ERROR, "disk",
                   "%s is on a network file system, where SQLite's log does not work. Put DATA_DIR "
                   "on a local disk.",
                   dir);
    }
}

static void look_at_lock(struct doctor *d, const char *dir)
{
    const char *path = arena_printf(d->arena, "%s/lock", dir).p;
    CLEANUP(close_fd) int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0) {
        doctor_say(d, DOCTOR_WARNING, "data directory",
                   "a server is running on %s; a second one will not start there.", dir);
    }
}

static bool can_write(struct doctor *d, const char *dir)
{
    char *path = mem_copy(arena_printf(d->arena, "%s/.check-XXXXXX", dir));
    int fd = mkostemp(path, O_CLOEXEC);
    bool good = fd >= 0;
    if (good) {
        good = write(fd, "x", 1) == 1;
        good = close(fd) == 0 && good;
        good = unlink(path) == 0 && good;
    }
    mem_free(path);
    return good;
}

static void look_at_new_dir(struct doctor *d, const char *dir)
{
    char *copy = mem_copy(span_str(dir));
    const char *parent = dirname(copy);
    if (access(parent, W_OK | X_OK) != 0) {
        doctor_say(d, DOCTOR_ERROR, "data directory",
                   "%s is not there and cannot be made in %s: %s. Make it, or set DATA_DIR.", dir,
                   parent, strerror(errno));
    } else {
        doctor_say(d, DOCTOR_OK, "data directory", "%s is not there yet; it will be made", dir);
        look_at_space(d, parent);
    }
    mem_free(copy);
}

static void look_at_data_dir(struct doctor *d)
{
    const char *dir = d->config.data_dir.p;
    struct stat st;
    if (stat(dir, &st) != 0) {
        look_at_new_dir(d, dir);
        return;
    }
    if (!S_ISDIR(st.st_mode) || !can_write(d, dir)) {
        doctor_say(d, DOCTOR_ERROR, "data directory",
                   "%s cannot be written to: %s. Give it to the server's user, or set DATA_DIR.",
                   dir, S_ISDIR(st.st_mode) ? strerror(errno) : "it is no directory");
        return;
    }
    doctor_say(d, DOCTOR_OK, "data directory", "%s can be written to", dir);
    if ((st.st_mode & 077) != 0) {
        doctor_say(d, DOCTOR_WARNING, "data directory",
                   "others on this machine may look into %s: chmod 700 it.", dir);
    }
    look_at_lock(d, dir);
    look_at_space(d, dir);
}

static void look_at_limits(struct doctor *d)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_ENOUGH) {
        doctor_say(d, DOCTOR_WARNING, "open files",
                   "the limit is %llu: few connections and kernels will fit. Raise it with ulimit "
                   "-n.",
                   (unsigned long long)files.rlim_cur);
    }
}

/* --- the kernels' interpreter --- */
static const char look[] =
    "import os, sys\n"
    "sys.path.insert(0, sys.argv[1])\n"
    "from notebook_kernel import confine, kernel, outputs, sql\n"
    "import importlib.util\n"
    "wanted = 'IPython', 'pandas', 'matplotlib', 'psycopg2', 'plotly', 'altair'\n"
    "missing = [name for name in wanted if importlib.util.find_spec(name) is None]\n"
    "parent, child = os.getpid(), os.fork()\n"
    "if child == 0:\n"
    "    try:\n"
    "        confine.finish(parent)\n"
    "    except OSError as problem:\n"
    "        os._exit(problem.errno)\n"
    "    os._exit(0)\n"
    "code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
    "print('%d.%d.%d' % sys.version_info[:3], os.strerror(code) if code else '',\n"
    "      ', '.join(missing), sep='|')\n";

struct run {
    uv_loop_t loop;
    uv_process_t process;
    uv_pipe_t out, err;
    uv_timer_t timer;
    struct text said, complained;
    char buffer[1024];
    int64_t status;
    bool late;
};

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct run *r = handle->loop->data;
    *buffer = uv_buf_init(r->buffer, sizeof r->buffer);
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct run *r = stream->loop->data;
    struct text *t = stream == (uv_stream_t *)&r->out ? &r->said : &r->complained;
    if (n > 0) {
        text_add(t, span_of(buffer->base, (size_t)n));
    } else if (n < 0) {
        uv_close((uv_handle_t *)stream, NULL);
    }
}

static void on_exit_seen(uv_process_t *process, int64_t status, int signal)
{
    struct run *r = process->loop->data;
    r->status = signal != 0 ? -signal : status;
    uv_close((uv_handle_t *)&r->timer, NULL);
    uv_close((uv_handle_t *)process, NULL);
}

static void on_late(uv_timer_t *timer)
{
    struct run *r = timer->loop->data;
    r->late = true;
    (void)uv_process_kill(&r->process, SIGKILL);
}

static int spawn(struct run *r, const char *python, const char *dir)
{
    char *args[] = {(char *)python, "-I", "-c", (char *)look, (char *)dir, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&r->out},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&r->err},
    };
    uv_process_options_t options = {
        .exit_cb = on_exit_seen, .file = python, .args = args, .stdio_count = 3, .stdio = stdio};
    return uv_spawn(&r->loop, &r->process, &options);
}

static void run_to_end(struct run *r)
{
    (void)uv_timer_start(&r->timer, on_late, PYTHON_MS, 0);
    (void)uv_read_start((uv_stream_t *)&r->out, on_room, on_output);
    (void)uv_read_start((uv_stream_t *)&r->err, on_room, on_output);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
}

static struct span last_line(struct span text)
{
    struct span rest = span_trim(text);
    struct span line = rest;
    while (!span_is_null(rest)) {
        line = span_cut(&rest, '\n');
    }
    return line;
}

/* What a kernel does to itself before it runs anybody's code was tried (confine.py). */
static void judge_isolation(struct doctor *d, struct span problem)
{
    if (problem.n > 0) {
        doctor_say(d, DOCTOR_ERROR, "isolation",
                   "a kernel cannot give up its privileges here: %.*s. Cells would not run.",
                   SPAN_ARGS(problem));
        return;
    }
    doctor_say(d, DOCTOR_OK, "isolation",
               "kernels give up privileges, and have limits and a folder of their own; they run as "
               "the server's own user, so let in people who trust one another");
}

static void judge(struct doctor *d, const struct run *r, const char *python)
{
    struct span missing = span_trim(text_span(&r->said));
    struct span version = span_cut(&missing, '|');
    struct span unconfined = span_cut(&missing, '|');
    if (r->late) {
        doctor_say(d, DOCTOR_ERROR, "kernels", "%s did not start within %d s.", python,
                   PYTHON_MS / 1000);
    } else if (r->status != 0) {
        doctor_say(d, DOCTOR_ERROR, "kernels",
                   "%s cannot import the kernel: %.*s. Set KERNEL_PYTHON to the interpreter that "
                   "the server was built for.",
                   python, SPAN_ARGS(last_line(text_span(&r->complained))));
    } else if (missing.n > 0) {
        doctor_say(d, DOCTOR_WARNING, "kernels",
                   "%s is Python %.*s, without %.*s: cells cannot use them.", python,
                   SPAN_ARGS(version), SPAN_ARGS(missing));
    } else {
        doctor_say(d, DOCTOR_OK, "kernels", "%s is Python %.*s and has what cells expect", python,
                   SPAN_ARGS(version));
    }
    if (!r->late && r->status == 0) {
        judge_isolation(d, unconfined);
    }
}

static void close_handle(uv_handle_t *handle, void *data)
{
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void look_at_kernels(struct doctor *d)
{
    const char *python = d->config.kernel_python.p;
    const char *dir = app_kernel_dir(d->arena, &d->config);
    struct run r = {.said = TEXT(OUTPUT_MAX), .complained = TEXT((size_t)16 * OUTPUT_MAX)};
    if (uv_loop_init(&r.loop) != 0) {
        doctor_say(d, DOCTOR_ERROR, "machine", "there are no file descriptors left");
        return;
    }
    r.loop.data = &r;
    (void)uv_pipe_init(&r.loop, &r.out, 0);
    (void)uv_pipe_init(&r.loop, &r.err, 0);
    (void)uv_timer_init(&r.loop, &r.timer);
    int rc = spawn(&r, python, dir);
    if (rc == 0) {
        run_to_end(&r);
        judge(d, &r, python);
    } else {
        doctor_say(d, DOCTOR_ERROR, "kernels", "%s cannot be started: %s. Set KERNEL_PYTHON.",
                   python, uv_strerror(rc));
        uv_walk(&r.loop, close_handle, NULL);
        (void)uv_run(&r.loop, UV_RUN_DEFAULT);
    }
    (void)uv_loop_close(&r.loop);
    text_free(&r.said);
    text_free(&r.complained);
}

void doctor_look_at_machine(struct doctor *d)
{
    look_at_data_dir(d);
    look_at_limits(d);
    look_at_kernels(d);
}
