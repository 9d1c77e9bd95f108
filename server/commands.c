/* commands: what a signed-in client may say (CONTRACT 3.2). Unknown types are ignored, as the
 * contract has it; what is not a message at all ends the connection. */
#include "channel.h"

static const struct json_limits limits = {
    .bytes = (size_t)16 * 1024 * 1024, .depth = 8, .values = 256};

const struct json *command_parse(struct arena *a, struct span text, const char **why)
{
    const struct json *message;
    struct json_error error;
    if (json_parse(a, text, &limits, &message, &error) != OK) {
        *why = error.what;
        return NULL;
    }
    return message;
}

/* An unknown cell is silently nothing (CONTRACT 3.2). */
static void run_cell(struct channel *ch, const struct json *message)
{
    session_run(ch->session, json_get_string(message, SPAN("cellId")), NULL, NULL);
}

static void refresh_auth(struct channel *ch, const struct json *message)
{
    struct span token = json_get_string(message, SPAN("token"));
    if (token.n == 0) {
        channel_error(ch, SPAN("Missing token in refresh request"));
        return;
    }
    channel_refresh(ch, token);
}

static const struct {
    struct span type;
    void (*run)(struct channel *ch, const struct json *message);
} commands[] = {
    {SPAN("run_cell"), run_cell},
    {SPAN("refresh_auth"), refresh_auth},
};

void command_run(struct channel *ch, struct span text)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    const char *why = "a message has a string member 'type'";
    const struct json *message = command_parse(a, text, &why);
    struct span type = json_get_string(message, SPAN("type"));
    if (span_is_null(type)) {
        channel_refuse(ch, 1007, arena_printf(a, "Invalid message: %s", why),
                       SPAN("Invalid message format"));
        return;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (span_eq(commands[i].type, type)) {
            commands[i].run(ch, message);
            return;
        }
    }
}
