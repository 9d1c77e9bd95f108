#include "tests/unit/base/peer.h"

#include <stdio.h>

#include <jansson.h>

static struct peer look_at(json_t *v)
{
    if (v == NULL) {
        return (struct peer){.kind = PEER_REFUSED};
    }
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return (struct peer){.kind = PEER_OBJECT, .count = json_object_size(v), .value = v};
    case JSON_ARRAY:
        return (struct peer){.kind = PEER_ARRAY, .count = json_array_size(v), .value = v};
    case JSON_STRING:
        return (struct peer){.kind = PEER_STRING,
                             .string = span_of(json_string_value(v), json_string_length(v)),
                             .value = v};
    case JSON_INTEGER:
        return (struct peer){.kind = PEER_INT, .integer = json_integer_value(v), .value = v};
    case JSON_REAL:
        return (struct peer){.kind = PEER_REAL, .real = json_real_value(v), .value = v};
    case JSON_TRUE:
    case JSON_FALSE:
        return (struct peer){.kind = PEER_BOOL, .boolean = json_is_true(v), .value = v};
    case JSON_NULL:
        return (struct peer){.kind = PEER_NULL, .value = v};
    }
    return (struct peer){.kind = PEER_REFUSED};
}

struct peer peer_parse(struct span document, struct peer_refusal *refusal)
{
    json_error_t error = {0};
    json_t *root = json_loadb(document.p, document.n,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    refusal->overflow = root == NULL && json_error_code(&error) == json_error_numeric_overflow;
    refusal->nul_in_name = root == NULL && json_error_code(&error) == json_error_null_byte_in_key;
    (void)snprintf(refusal->text, sizeof refusal->text, "%s",
                   root == NULL ? error.text : "accepted");
    return look_at(root);
}

struct peer peer_item(const struct peer *array, size_t i)
{
    return look_at(json_array_get(array->value, i));
}

struct peer peer_member(const struct peer *object, struct span name)
{
    return look_at(json_object_getn(object->value, name.p, name.n));
}

void peer_free(struct peer *root)
{
    json_decref(root->value);
}
