/* What results have in common: texts, in the order in which they came first, and how many results each is of. */
#ifndef HPX_GROUPS_H
#define HPX_GROUPS_H

#include <stddef.h>

typedef struct hpx_group {
    char *name; /* what tells it from the others */
    char *text; /* what is said of it; NULL: nothing else */
    size_t count;
} hpx_group;

/* Zeroed, there are none. */
typedef struct hpx_groups {
    hpx_group *at;
    size_t count, capacity;
} hpx_groups;

void hpx_groups_count(hpx_groups *groups, char *name, char *text); /* one result; takes both texts over */
void hpx_groups_free(hpx_groups *groups);

#endif
