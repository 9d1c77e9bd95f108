/* json_names: members by name. Private to base. */
#pragma once

#include "base/json.h"

/* A member whose name an earlier one has already, or NULL. Takes time in proportion to the names'
 * bytes, whatever they are. */
const struct json *json_names_find_twice(const struct json *object);
