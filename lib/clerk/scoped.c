#include "clerk/scoped.h"

bool scoped_is_sound(struct span list)
{
    struct span rest = list;
    while (!span_is_null(rest)) {
        struct span element = span_cut(&rest, ',');
        if (span_find(element, ':') == element.n) {
            return false;
        }
    }
    return list.n > 0;
}

bool scoped_next(struct span *rest, struct scoped *out)
{
    if (span_is_null(*rest)) {
        return false;
    }
    struct span value = span_trim(span_cut(rest, ','));
    struct span scope = span_cut(&value, ':');
    bool both = span_eq(scope, SPAN("ou")) || span_eq(scope, SPAN("uo"));
    *out = (struct scoped){
        .value = value,
        .is_org = both || span_eq(scope, SPAN("o")),
        .is_user = both || span_eq(scope, SPAN("u")),
    };
    return true;
}
