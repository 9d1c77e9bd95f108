/* actions: what a body or a message spells out, as an intent of the session. REST and the channel
 * differ in how they are asked and how they answer, not in this. */
#include "request.h"

static struct span or_null(struct span s)
{
    return s.n == 0 ? SPAN_NULL : s;
}

void action_create_cell(struct session *s, const struct body *b, session_done_cb done, void *data)
{
    struct session_creation creation = {.after = or_null(b->after_cell_id), .code = b->code};
    if (cell_type_parse(b->type, &creation.type) != OK) {
        creation.type = CELL_PYTHON; /* never: the field tables let only cell types pass */
    }
    session_create_cell(s, &creation, done, data);
}

static bool is_number(const struct json *v)
{
    return v != NULL && v->kind == JSON_NUMBER;
}

void action_update_cell(struct session *s, const struct body *b, session_done_cb done, void *data)
{
    struct session_code code = {.cell_id = b->cell_id, .code = b->code};
    if (is_number(b->base_given)) {
        code.base = SESSION_BASE_CELL;
        code.revision = b->base_revision;
    } else if (is_number(b->expected_given)) {
        code.base = SESSION_BASE_NOTEBOOK;
        code.revision = b->expected_revision;
    }
    session_update_cell(s, &code, done, data);
}

void action_delete_cell(struct session *s, const struct body *b, session_done_cb done, void *data)
{
    session_delete_cell(s, b->cell_id, done, data);
}

void action_move_cell(struct session *s, const struct body *b, session_done_cb done, void *data)
{
    session_move_cell(s, b->cell_id, or_null(b->after_cell_id), done, data);
}

void action_set_cell(struct session *s, const struct body *b, session_done_cb done, void *data)
{
    struct session_settings settings = {.cell_id = b->cell_id,
                                        .has_name = b->name_given != NULL,
                                        .name = or_null(span_trim(b->name)),
                                        .has_disabled = b->disabled_given != NULL,
                                        .disabled = b->disabled};
    settings.has_type = !span_is_null(b->type) && cell_type_parse(b->type, &settings.type) == OK;
    session_set_cell(s, &settings, done, data);
}

void action_interrupt(struct session *s, const struct body *b, session_done_cb done, void *data)
{
    session_interrupt(s, done, data);
}

void action_restart(struct session *s, const struct body *b, session_done_cb done, void *data)
{
    session_restart(s, done, data);
}

void action_input(struct session *s, const struct body *b, session_done_cb done, void *data)
{
    session_input(s, b->value, done, data);
}

void action_variables(struct session *s, const struct body *b, session_done_cb done, void *data)
{
    session_ask(s, KERNEL_VARIABLES, SPAN("{}"), done, data);
}
