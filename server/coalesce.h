/* coalesce: which events of a page of the journal still matter. Pure. */
#pragma once

#include "store/store.h"

/* keep[i] becomes false for what a later run of the same cell in this page has made void: the
 * beginning of a run ("cell_running") makes all results of that cell before it void. Events keep
 * their order; the last one is always kept. */
void coalesce_page(const struct store_event *items, size_t count, bool *keep);
