/* fields: rows of field tables (base/json.h) that bodies and messages share. `required` is for the
 * table to say. */
#pragma once

#include "request.h"

#define FIELD(field_name, member) .name = (field_name), .offset = offsetof(struct body, member)
#define FIELDS(table) .fields = (table), .field_count = sizeof(table) / sizeof *(table)

#define FIELD_CODE                                                                                 \
    {                                                                                              \
        FIELD("code", code), .type = JSON_FIELD_STRING, .required = true, .max = NOTEBOOK_CODE_MAX \
    }
#define FIELD_CODE_OPTIONAL                                                                        \
    {                                                                                              \
        FIELD("code", code), .type = JSON_FIELD_STRING, .nullable = true, .max = NOTEBOOK_CODE_MAX \
    }
#define FIELD_AFTER(is_required)                                                                   \
    {                                                                                              \
        FIELD("after_cell_id", after_cell_id), .type = JSON_FIELD_STRING,                          \
                                               .required = (is_required), .nullable = true,        \
                                               .max = NOTEBOOK_ID_MAX                              \
    }
/* Two rows each: the value, and whether it was given. */
#define FIELD_BASE                                                                                 \
    {FIELD("base_revision", base_revision), .type = JSON_FIELD_INT, .nullable = true},             \
    {                                                                                              \
        FIELD("base_revision", base_given), .type = JSON_FIELD_VALUE                               \
    }
#define FIELD_NAME_NULLABLE                                                                        \
    {FIELD("name", name), .type = JSON_FIELD_STRING, .nullable = true, .max = NOTEBOOK_NAME_MAX},  \
    {                                                                                              \
        FIELD("name", name_given), .type = JSON_FIELD_VALUE                                        \
    }
#define FIELD_DISABLED                                                                             \
    {FIELD("disabled", disabled), .type = JSON_FIELD_BOOL},                                        \
    {                                                                                              \
        FIELD("disabled", disabled_given), .type = JSON_FIELD_VALUE                                \
    }
#define FIELD_INPUT                                                                                \
    {                                                                                              \
        FIELD("value", value), .type = JSON_FIELD_STRING, .required = true,                        \
                               .max = (size_t)64 * 1024                                            \
    }

extern const char *const field_cell_types[]; /* routes.c */
