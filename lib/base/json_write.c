#include <math.h>

#include "base/json.h"
#include "base/json_double.h"
#include "base/json_plain.h"
#include "base/utf8.h"

static void put(struct json_writer *w, struct span s)
{
    text_add(w->out, s);
}

static void begin_value(struct json_writer *w)
{
    if (w->need_comma) {
        text_add_char(w->out, ',');
    }
    w->need_comma = true;
}

static void put_escape(struct json_writer *w, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";
    static const char hex[] = "0123456789abcdef";
    const char *found = memchr(from, c, sizeof from - 1);
    if (found != NULL) {
        put(w, span_of((char[]){'\\', to[found - from]}, 2));
    } else {
        put(w, span_of((char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6));
    }
}

/* How far `s` may be copied as it is. */
static size_t clean_run(struct span s)
{
    size_t i = 0;
    while (i < s.n) {
        i += json_plain_run(s.p + i, s.n - i);
        size_t n = i < s.n ? utf8_length(s.p + i, s.n - i) : 0;
        if (n < 2) {
            return i;
        }
        i += n;
    }
    return i;
}

static void put_escaped(struct json_writer *w, struct span s)
{
    while (s.n > 0) {
        size_t run = clean_run(s);
        put(w, span_of(s.p, run));
        if (run == s.n) {
            return;
        }
        unsigned char c = (unsigned char)s.p[run];
        if (c < 0x80) {
            put_escape(w, c);
        } else {
            put(w, SPAN("\xEF\xBF\xBD")); /* U+FFFD for each byte that begins no sequence */
        }
        s = span_sub(s, run + 1, s.n);
    }
}

/* `s` needs no escapes: the usual case, in one piece. */
static void put_clean(struct json_writer *w, struct span s)
{
    char *p = text_reserve(w->out, s.n + 2);
    if (p != NULL) {
        p[0] = '"';
        memcpy(p + 1, s.p, s.n);
        p[s.n + 1] = '"';
        w->out->n += s.n + 2;
    }
}

static void put_quoted(struct json_writer *w, struct span s)
{
    if (s.n > 0 && clean_run(s) == s.n) {
        put_clean(w, s);
        return;
    }
    text_add_char(w->out, '"');
    put_escaped(w, s);
    text_add_char(w->out, '"');
}

void json_open_object(struct json_writer *w)
{
    begin_value(w);
    text_add_char(w->out, '{');
    w->need_comma = false;
}

void json_close_object(struct json_writer *w)
{
    text_add_char(w->out, '}');
    w->need_comma = true;
}

void json_open_array(struct json_writer *w)
{
    begin_value(w);
    text_add_char(w->out, '[');
    w->need_comma = false;
}

void json_close_array(struct json_writer *w)
{
    text_add_char(w->out, ']');
    w->need_comma = true;
}

void json_put_name(struct json_writer *w, struct span name)
{
    begin_value(w);
    put_quoted(w, name);
    text_add_char(w->out, ':');
    w->need_comma = false;
}

void json_put_string(struct json_writer *w, struct span s)
{
    if (span_is_null(s)) {
        json_put_null(w);
        return;
    }
    begin_value(w);
    put_quoted(w, s);
}

void json_put_int(struct json_writer *w, int64_t v)
{
    char digits[20];
    char *p = digits + sizeof digits;
    uint64_t rest = v < 0 ? -(uint64_t)v : (uint64_t)v;
    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (v < 0) {
        *--p = '-';
    }
    json_put_raw(w, span_of(p, (size_t)(digits + sizeof digits - p)));
}

void json_put_double(struct json_writer *w, double v)
{
    if (!isfinite(v)) {
        json_put_null(w);
        return;
    }
    char digits[JSON_DOUBLE_SIZE];
    json_put_raw(w, span_of(digits, json_double_format(v, digits)));
}

void json_put_bool(struct json_writer *w, bool v)
{
    json_put_raw(w, v ? SPAN("true") : SPAN("false"));
}

void json_put_null(struct json_writer *w)
{
    json_put_raw(w, SPAN("null"));
}

void json_put_raw(struct json_writer *w, struct span raw)
{
    begin_value(w);
    put(w, raw);
}

void json_member_string(struct json_writer *w, struct span name, struct span value)
{
    json_put_name(w, name);
    json_put_string(w, value);
}

void json_member_int(struct json_writer *w, struct span name, int64_t value)
{
    json_put_name(w, name);
    json_put_int(w, value);
}

void json_member_bool(struct json_writer *w, struct span name, bool value)
{
    json_put_name(w, name);
    json_put_bool(w, value);
}

void json_member_raw(struct json_writer *w, struct span name, struct span raw)
{
    json_put_name(w, name);
    json_put_raw(w, raw);
}
