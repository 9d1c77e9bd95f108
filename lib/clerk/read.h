/* read: records out of their JSON. Private to clerk. Pure. */
#pragma once

#include "base/json.h"
#include "clerk/records.h"

/* ERR_INVALID when the object is not what it should be: another type, an id that is missing or
 * unfit to be stored, a time that is none. What is unknown is ignored. *out is zeroed first. */
MUST_CHECK enum err read_user(const struct json *v, struct clerk_user_record *out);
MUST_CHECK enum err read_session(const struct json *v, struct clerk_session_record *out);
MUST_CHECK enum err read_organization(const struct json *v, struct clerk_organization_record *out);
MUST_CHECK enum err read_membership(const struct json *v, struct clerk_membership_record *out);
