/* json_double: the shortest text of a double. Private to base. */
#pragma once

#include <stddef.h>

#define JSON_DOUBLE_SIZE 32

/* Text of the finite `v` that reads back as `v`, NUL-terminated; returns its length. */
size_t json_double_format(double v, char out[JSON_DOUBLE_SIZE]);
