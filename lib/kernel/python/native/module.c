/* _nbk: the native half of a kernel, as a Python module. Glue only: channel.h and process.h say
 * what happens. Every call here holds Python's lock on entry; the channel's own lock is held for
 * moments only and never while somebody waits for Python's. */
#define PY_SSIZE_T_CLEAN
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include <Python.h>

#include "channel.h"
#include "process.h"

#define CHUNK ((size_t)48 * 1024) /* text of one frame before joining; below CHANNEL_STREAM_MAX */
#define SIGNAL_CHECK_MS 20        /* how late a writer who waits for space notices an interrupt */
#define STDERR_KIND 2

static PyObject *run_variable; /* ContextVar: the run that the calling code belongs to. Owned */
static uint64_t current_run;   /* of code without a context: threads made by C libraries */

static uint64_t run_of_caller(void)
{
    PyObject *value = NULL;
    if (run_variable != NULL && PyContextVar_Get(run_variable, NULL, &value) == 0 &&
        value != NULL) {
        uint64_t run = PyLong_AsUnsignedLongLongMask(value);
        Py_DECREF(value);
        if (!PyErr_Occurred()) {
            return run;
        }
    }
    PyErr_Clear();
    return current_run;
}

/* Waits for space without Python's lock; false with an exception set when a handler raised. */
static bool wait_space(void)
{
    Py_BEGIN_ALLOW_THREADS;
    channel_wait_space(SIGNAL_CHECK_MS);
    Py_END_ALLOW_THREADS;
    return PyErr_CheckSignals() == 0;
}

/* In a fork of the kernel: plain text to the inherited pipe. Errors are lost as they would be in C.
 */
static void write_plainly(const struct channel_frame *f)
{
    int fd = f->kind == STDERR_KIND ? STDERR_FILENO : STDOUT_FILENO;
    const char *data = f->data;
    size_t left = f->stream ? f->size : 0;
    while (left > 0) {
        ssize_t n = write(fd, data, left);
        if (n < 0 && errno != EINTR) {
            return;
        }
        data += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
}

/* False with an exception set. */
static bool put(const struct channel_frame *f)
{
    enum channel_result r = channel_put(f);
    while (r == CHANNEL_FULL) {
        if (!wait_space()) {
            return false;
        }
        r = channel_put(f);
    }
    if (r == CHANNEL_CLOSED) {
        Py_BEGIN_ALLOW_THREADS;
        write_plainly(f);
        Py_END_ALLOW_THREADS;
    } else if (r == CHANNEL_TOO_LARGE) {
        PyErr_SetString(PyExc_ValueError, "the frame is too large");
    } else if (r == CHANNEL_NO_MEMORY) {
        (void)PyErr_NoMemory();
    }
    return r == CHANNEL_OK || r == CHANNEL_CLOSED;
}

/* Length of the next piece: a character is never cut in two. */
static size_t piece(const char *text, size_t size)
{
    if (size <= CHUNK) {
        return size;
    }
    size_t n = CHUNK;
    while (n > 1 && ((unsigned char)text[n] & 0xC0U) == 0x80U) {
        n--;
    }
    return n;
}

static bool put_text(uint8_t kind, const char *text, size_t size)
{
    struct channel_frame f = {.kind = kind, .stream = true, .run = run_of_caller()};
    while (size > 0) {
        f.data = text;
        f.size = piece(text, size);
        if (!put(&f)) {
            return false;
        }
        text += f.size;
        size -= f.size;
    }
    return true;
}

/* `self` is the kind of the stream, a Python integer. */
static PyObject *stream_write(PyObject *self, PyObject *text)
{
    if (!PyUnicode_Check(text)) {
        return PyErr_Format(PyExc_TypeError, "write() argument must be str, not %s",
                            Py_TYPE(text)->tp_name);
    }
    PyObject *escaped = NULL; /* text with lone surrogates has no UTF-8 of its own */
    Py_ssize_t size = 0;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &size);
    if (utf8 == NULL) {
        PyErr_Clear();
        escaped = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
        if (escaped == NULL) {
            return NULL;
        }
        utf8 = PyBytes_AS_STRING(escaped);
        size = PyBytes_GET_SIZE(escaped);
    }
    bool ok = put_text((uint8_t)PyLong_AsLong(self), utf8, (size_t)size);
    Py_XDECREF(escaped);
    return ok ? PyLong_FromSsize_t(PyUnicode_GET_LENGTH(text)) : NULL;
}

static PyMethodDef stream_write_method = {
    "write", stream_write, METH_O,
    "write(text) -> int: to this stream, as output of the caller's run"};

static PyObject *nbk_writer(PyObject *module, PyObject *kind)
{
    (void)module;
    long value = PyLong_AsLong(kind);
    if (value == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (value < 1 || value > UINT8_MAX) {
        return PyErr_Format(PyExc_ValueError, "no such kind of frame: %ld", value);
    }
    return PyCFunction_New(&stream_write_method, kind);
}

static PyObject *nbk_emit(PyObject *module, PyObject *args)
{
    (void)module;
    unsigned char kind = 0;
    unsigned long long run = 0;
    Py_buffer payload;
    if (!PyArg_ParseTuple(args, "bKy*", &kind, &run, &payload)) {
        return NULL;
    }
    struct channel_frame f = {
        .kind = kind, .run = run, .data = payload.buf, .size = (size_t)payload.len};
    bool ok = put(&f);
    PyBuffer_Release(&payload);
    if (!ok) {
        return NULL;
    }
    return Py_NewRef(Py_None);
}

static PyObject *nbk_flush(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    channel_flush();
    return Py_NewRef(Py_None);
}

static PyObject *nbk_drain(PyObject *module, PyObject *milliseconds)
{
    (void)module;
    unsigned long ms = PyLong_AsUnsignedLong(milliseconds);
    if (PyErr_Occurred()) {
        return NULL;
    }
    bool drained = false;
    Py_BEGIN_ALLOW_THREADS;
    drained = channel_drain(ms > 60000 ? 60000 : (unsigned)ms);
    Py_END_ALLOW_THREADS;
    return PyBool_FromLong(drained);
}

static PyObject *nbk_open(PyObject *module, PyObject *args)
{
    (void)module;
    int fd = -1;
    PyObject *variable = NULL;
    if (!PyArg_ParseTuple(args, "iO!", &fd, &PyContextVar_Type, &variable)) {
        return NULL;
    }
    if (run_variable != NULL || fd < 0) {
        PyErr_SetString(PyExc_ValueError, "open once, with a descriptor");
        return NULL;
    }
    if (!channel_open(fd)) {
        PyErr_SetString(PyExc_RuntimeError, "cannot start the output thread");
        return NULL;
    }
    Py_INCREF(variable);
    run_variable = variable;
    return Py_NewRef(Py_None);
}

static PyObject *nbk_set_run(PyObject *module, PyObject *run)
{
    (void)module;
    uint64_t value = PyLong_AsUnsignedLongLong(run);
    if (PyErr_Occurred()) {
        return NULL;
    }
    current_run = value;
    return Py_NewRef(Py_None);
}

struct measure {
    Py_ssize_t depth;  /* how deep arrays and objects nest */
    Py_ssize_t values; /* how many values there are at most */
};

/* `c` is a character of a JSON text outside strings. Every value but the first of all follows a
 * comma or opens its container. */
static Py_ssize_t count_char(struct measure *m, Py_ssize_t depth, char c)
{
    bool opens = c == '{' || c == '[';
    bool closes = c == '}' || c == ']';
    m->values += opens || c == ',';
    depth += opens - closes;
    m->depth = depth > m->depth ? depth : m->depth;
    return depth;
}

static struct measure measure_json(const char *json, Py_ssize_t size)
{
    struct measure m = {.values = 1};
    Py_ssize_t depth = 0;
    bool quoted = false;
    for (Py_ssize_t i = 0; i < size; i++) {
        if (quoted && json[i] == '\\') {
            i++;
        } else if (quoted) {
            quoted = json[i] != '"';
        } else {
            quoted = json[i] == '"';
            depth = count_char(&m, depth, json[i]);
        }
    }
    return m;
}

static PyObject *nbk_measure_json(PyObject *module, PyObject *json)
{
    (void)module;
    Py_buffer text;
    if (PyObject_GetBuffer(json, &text, PyBUF_SIMPLE) != 0) {
        return NULL;
    }
    struct measure m = measure_json(text.buf, text.len);
    PyBuffer_Release(&text);
    return Py_BuildValue("nn", m.depth, m.values);
}

static PyObject *nbk_flush_on_death(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    process_flush_on_death();
    return Py_NewRef(Py_None);
}

static PyObject *none_or_errno(bool ok)
{
    if (!ok) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return Py_NewRef(Py_None);
}

static PyObject *nbk_no_new_privileges(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return none_or_errno(process_no_new_privileges());
}

static PyObject *nbk_die_with_parent(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return none_or_errno(process_die_with_parent());
}

static PyObject *nbk_adopt_orphans(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return none_or_errno(process_adopt_orphans());
}

static PyMethodDef methods[] = {
    {"open", nbk_open, METH_VARARGS, "open(fd, contextvar): frames leave by this socket"},
    {"writer", nbk_writer, METH_O, "writer(kind) -> function that writes text to that stream"},
    {"emit", nbk_emit, METH_VARARGS, "emit(kind, run, payload)"},
    {"set_run", nbk_set_run, METH_O, "set_run(run): of code that has no context of its own"},
    {"flush", nbk_flush, METH_NOARGS, "flush(): what is gathered leaves now; does not wait"},
    {"drain", nbk_drain, METH_O, "drain(ms) -> bool: waits until everything has left"},
    {"measure_json", nbk_measure_json, METH_O, "measure_json(bytes) -> (depth, values at most)"},
    {"flush_on_death", nbk_flush_on_death, METH_NOARGS, "flush_on_death(): also when it crashes"},
    {"no_new_privileges", nbk_no_new_privileges, METH_NOARGS, "PR_SET_NO_NEW_PRIVS"},
    {"die_with_parent", nbk_die_with_parent, METH_NOARGS, "PR_SET_PDEATHSIG SIGKILL"},
    {"adopt_orphans", nbk_adopt_orphans, METH_NOARGS, "PR_SET_CHILD_SUBREAPER"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                                        "_nbk",
                                        "Framed output of a notebook kernel.",
                                        -1,
                                        methods,
                                        NULL,
                                        NULL,
                                        NULL,
                                        NULL};

PyMODINIT_FUNC PyInit__nbk(void);
PyMODINIT_FUNC PyInit__nbk(void)
{
    return PyModule_Create(&definition);
}
