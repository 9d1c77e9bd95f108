/* http_app: the application inside the fixture's child. */
#pragma once

#include "http/http.h"

void app_on_call(struct call *c);
/* Answers what /hold has kept, after the server is gone. */
void app_release_held(void);
