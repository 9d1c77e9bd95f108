#include "base/list.h"

#include "tests/unit/check.h"

struct item {
    int value;
    struct list node;
};

static void an_empty_list_is_empty(void)
{
    struct list head;
    list_init(&head);
    CHECK(list_is_empty(&head) && list_take_first(&head) == NULL);
    int visited = 0;
    LIST_EACH (it, &head) {
        visited++;
    }
    CHECK(visited == 0);
}

static void nodes_keep_their_order(void)
{
    struct list head;
    struct item items[5] = {0};
    list_init(&head);
    for (int i = 0; i < 5; i++) {
        items[i].value = i;
        CHECK(!list_is_linked(&items[i].node));
        list_add_last(&head, &items[i].node);
        CHECK(list_is_linked(&items[i].node));
    }
    int next = 0;
    LIST_EACH (it, &head) {
        CHECK(LIST_ENTRY(it, struct item, node)->value == next++);
    }
    CHECK(next == 5);
}

static void a_node_may_leave_and_come_back(void)
{
    struct list head;
    struct list a = {0};
    struct list b = {0};
    list_init(&head);
    list_add_last(&head, &a);
    list_add_last(&head, &b);
    list_remove(&a);
    list_remove(&a); /* twice is fine */
    CHECK(!list_is_linked(&a) && head.next == &b && head.prev == &b);
    list_add_last(&head, &a);
    CHECK(list_take_first(&head) == &b && list_take_first(&head) == &a && list_is_empty(&head));
    CHECK(!list_is_linked(&a) && !list_is_linked(&b));
}

static void every_node_may_be_freed_inside_the_loop(void)
{
    struct list head;
    list_init(&head);
    for (int i = 0; i < 10; i++) {
        struct item *item = calloc(1, sizeof *item);
        CHECK(item != NULL);
        list_add_last(&head, &item->node);
    }
    LIST_EACH (it, &head) {
        list_remove(it);
        free(LIST_ENTRY(it, struct item, node));
    }
    CHECK(list_is_empty(&head));
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(an_empty_list_is_empty),
        TEST(nodes_keep_their_order),
        TEST(a_node_may_leave_and_come_back),
        TEST(every_node_may_be_freed_inside_the_loop),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
