/* json: a strict reader (RFC 8259) into an arena, an append-only writer, and field tables that
 * decode an object into a struct. Input is untrusted: UTF-8 is checked, lone surrogates, duplicate
 * names, numbers that overflow a double, trailing bytes and anything beyond the limits are refused.
 */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    struct span name;   /* of an object's member; null elsewhere */
    struct span raw;    /* the value's own text, inside the source: may be spliced into a writer */
    struct span string; /* JSON_STRING, unescaped; NUL-terminated, may hold NULs */
    double number;      /* JSON_NUMBER */
    int64_t integer;    /* valid when is_integer */
    bool is_integer;    /* a whole number that fits, written without fraction or exponent */
    bool boolean;
    const struct json *items; /* of an array or an object, `count` of them */
    size_t count;
};

/* The reader recurses: no limit may allow more. */
#define JSON_MAX_DEPTH 1000

struct json_limits {
    size_t bytes;
    unsigned depth; /* arrays and objects inside each other; 0 allows neither */
    size_t values;  /* counting every value, names excluded */
};

struct json_error {
    size_t at;        /* byte offset */
    const char *what; /* static words: "expected ',' or '}'" */
};

/* The tree lives in `a` and borrows `source`, which must outlive it. ERR_INVALID or ERR_TOO_LARGE
 * (a limit), with *error set. */
MUST_CHECK enum err json_parse(struct arena *a, struct span source,
                               const struct json_limits *limits, const struct json **out,
                               struct json_error *error);
/* The member, or NULL when `object` is NULL, is not an object or has no such name. */
const struct json *json_get(const struct json *object, struct span name);
/* Its string, or the null span when it is missing or not a string. */
struct span json_get_string(const struct json *object, struct span name);

/* --- writer: appends to a text; commas and colons look after themselves --- */
struct json_writer {
    struct text *out;
    bool need_comma;
};

#define JSON_WRITER(text_ptr) ((struct json_writer){.out = (text_ptr)})

void json_open_object(struct json_writer *w);
void json_close_object(struct json_writer *w);
void json_open_array(struct json_writer *w);
void json_close_array(struct json_writer *w);
void json_put_name(struct json_writer *w, struct span name);
/* Invalid UTF-8 is written as U+FFFD; the null span is written as null. `</` is not treated
 * specially. */
void json_put_string(struct json_writer *w, struct span s);
void json_put_int(struct json_writer *w, int64_t v);
void json_put_double(struct json_writer *w, double v); /* NaN and infinities become null */
void json_put_bool(struct json_writer *w, bool v);
void json_put_null(struct json_writer *w);
/* `raw` is JSON already (validated by whoever made it). */
void json_put_raw(struct json_writer *w, struct span raw);
/* name and value in one call */
void json_member_string(struct json_writer *w, struct span name, struct span value);
void json_member_int(struct json_writer *w, struct span name, int64_t value);
void json_member_bool(struct json_writer *w, struct span name, bool value);
void json_member_raw(struct json_writer *w, struct span name, struct span raw);

/* --- field tables --- */
enum json_field_type {
    JSON_FIELD_STRING, /* struct span */
    JSON_FIELD_INT,    /* int64_t */
    JSON_FIELD_BOOL,   /* bool */
    JSON_FIELD_VALUE,  /* const struct json * */
};

struct json_field {
    const char *name;
    enum json_field_type type;
    bool required;
    bool nullable;             /* null is taken as absent: the struct keeps its zero value */
    size_t offset;             /* into the caller's struct */
    size_t max;                /* bytes of a string; 0 means no own limit */
    const char *const *one_of; /* NULL-terminated list a string must be in; NULL for any */
};

enum json_problem_kind {
    JSON_PROBLEM_NOT_OBJECT,
    JSON_PROBLEM_MISSING,
    JSON_PROBLEM_TYPE,
    JSON_PROBLEM_TOO_LONG,
    JSON_PROBLEM_NOT_ONE_OF,
};

struct json_problem {
    enum json_problem_kind kind;
    const struct json_field *field; /* NULL with JSON_PROBLEM_NOT_OBJECT */
    const struct json *value;       /* NULL when missing */
};

/* Unknown members are ignored. `out` should be zeroed. ERR_INVALID (ERR_TOO_LARGE for TOO_LONG) and
 * the first problem in the order of the table. */
MUST_CHECK enum err json_decode(const struct json *object, const struct json_field *fields,
                                size_t count, void *out, struct json_problem *problem);
