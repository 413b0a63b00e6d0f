#include "report/groups.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void hpx_groups_count(hpx_groups *groups, char *name, char *text)
{
    for (size_t i = 0; i < groups->count; i++) {
        if (strcmp(groups->at[i].name, name) != 0)
            continue;
        groups->at[i].count++;
        free(name);
        free(text);
        return;
    }
    groups->at = hpx_grow(groups->at, &groups->capacity, groups->count + 1, sizeof *groups->at);
    groups->at[groups->count++] = (hpx_group){name, text, 1};
}

void hpx_groups_free(hpx_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        free(groups->at[i].name);
        free(groups->at[i].text);
    }
    free(groups->at);
    *groups = (hpx_groups){.count = 0};
}
