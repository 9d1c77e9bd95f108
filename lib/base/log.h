/* log: one JSON object per line on standard error: time, level, event, then the fields. Values are
 * escaped; invalid UTF-8 is replaced. Lines below LOG_WARN may wait in a buffer until log_flush
 * (the loop calls it once per turn); warnings and errors leave at once. Any thread. Never log a
 * token, a body, a query string or a connection string. */
#pragma once

#include "base/span.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *name;
    enum { LOG_FIELD_SPAN, LOG_FIELD_INT, LOG_FIELD_DOUBLE } type;
    struct span span;
    int64_t integer;
    double number;
};

#define LOG_SPAN(field_name, value)                                                                \
    ((struct log_field){.name = (field_name), .type = LOG_FIELD_SPAN, .span = (value)})
#define LOG_STR(field_name, value) LOG_SPAN(field_name, span_str(value))
#define LOG_INT(field_name, value)                                                                 \
    ((struct log_field){.name = (field_name), .type = LOG_FIELD_INT, .integer = (value)})
#define LOG_DOUBLE(field_name, value)                                                              \
    ((struct log_field){.name = (field_name), .type = LOG_FIELD_DOUBLE, .number = (value)})

/* log_event(LOG_INFO, "listening", LOG_STR("host", host), LOG_INT("port", port)); at least one
 * field */
#define log_event(level, event, ...)                                                               \
    log_write(level, event, (const struct log_field[]){__VA_ARGS__},                               \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);
/* Lines below `level` are dropped. The default is LOG_INFO. */
void log_set_level(enum log_level level);
void log_flush(void);
