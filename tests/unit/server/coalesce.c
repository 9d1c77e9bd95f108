#include "server/coalesce.h"

#include "tests/unit/check.h"

#define EVENT(k, c)                                                                                \
    {                                                                                              \
        .kind = SPAN(k), .cell_id = SPAN(c)                                                        \
    }
#define OF_NOTEBOOK(k)                                                                             \
    {                                                                                              \
        .kind = SPAN(k)                                                                            \
    }

enum { ITEMS_MAX = 16 };

struct page {
    const char *name;
    struct store_event items[ITEMS_MAX];
    size_t count;
    const char *kept; /* '1' and '0' for each */
};

static const struct page pages[] = {
    {"an empty page", {{0}}, 0, ""},
    {"results without a beginning are kept",
     {EVENT("cell_stdout", "a"), EVENT("cell_output", "a"), EVENT("cell_status", "a")},
     3,
     "111"},
    {"a run alone is kept",
     {EVENT("cell_running", "a"), EVENT("cell_stdout", "a"), EVENT("cell_status", "a")},
     3,
     "111"},
    {"results before a beginning are void",
     {EVENT("cell_stdout", "a"), EVENT("cell_text_hidden", "a"), EVENT("cell_output", "a"),
      EVENT("cell_output_updated", "a"), EVENT("cell_cleared", "a"), EVENT("cell_error", "a"),
      EVENT("cell_status", "a"), EVENT("cell_running", "a")},
     8,
     "00000001"},
    {"an earlier run is void as a whole",
     {EVENT("cell_running", "a"), EVENT("cell_stdout", "a"), EVENT("cell_status", "a"),
      EVENT("cell_running", "a"), EVENT("cell_stdout", "a")},
     5,
     "00011"},
    {"the last of three beginnings counts",
     {EVENT("cell_running", "a"), EVENT("cell_running", "a"), EVENT("cell_running", "a")},
     3,
     "001"},
    {"another cell's beginning is no reason",
     {EVENT("cell_stdout", "a"), EVENT("cell_running", "b"), EVENT("cell_stdout", "b")},
     3,
     "111"},
    {"cells run in turns",
     {EVENT("cell_running", "a"), EVENT("cell_running", "b"), EVENT("cell_stdout", "a"),
      EVENT("cell_running", "a"), EVENT("cell_stdout", "b")},
     5,
     "01011"},
    {"what the cell is stays",
     {EVENT("cell_updated", "a"), EVENT("cell_created", "a"), EVENT("cell_moved", "a"),
      EVENT("cell_deleted", "a"), EVENT("cell_running", "a")},
     5,
     "11111"},
    {"the notebook's own events stay",
     {OF_NOTEBOOK("plan"), OF_NOTEBOOK("stale"), EVENT("cell_running", "a"),
      OF_NOTEBOOK("plan_ended"), EVENT("cell_running", "a")},
     5,
     "11011"},
    {"a kind that is not known stays",
     {EVENT("cell_future", "a"), EVENT("cell_running", "a")},
     2,
     "11"},
};

static void what_a_later_run_made_void_is_left_out(void)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        const struct page *p = &pages[i];
        bool keep[ITEMS_MAX] = {false};
        check_case(p->name);
        CHECK(strlen(p->kept) == p->count);
        coalesce_page(p->items, p->count, keep);
        for (size_t k = 0; k < p->count; k++) {
            CHECK(keep[k] == (p->kept[k] == '1'));
        }
    }
}

/* So that the cursor of the client ends where the page does. */
static void the_last_event_is_always_kept(void)
{
    static const char *const kinds[] = {"cell_running", "cell_status", "cell_stdout", "plan"};
    for (size_t i = 0; i < 4; i++) {
        bool keep[2] = {false};
        struct store_event items[] = {EVENT("cell_running", "a"), EVENT("", "a")};
        items[1].kind = span_str(kinds[i]);
        check_case(kinds[i]);
        coalesce_page(items, 2, keep);
        CHECK(keep[1]);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(what_a_later_run_made_void_is_left_out),
        TEST(the_last_event_is_always_kept),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
