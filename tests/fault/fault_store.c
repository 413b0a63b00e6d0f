/* Puts and checks numbered artifacts, one process as a script wants it.
 *
 *     fault_store put STORE SIZE NUMBER:EPOCH...      "acknowledged NUMBER EPOCH" after each put that
 * returned fault_store check STORE SIZE NUMBER:EPOCH...    "whole NUMBER EPOCH", or absent, bare, wrong,
 * failed fault_store fill STORE SIZE FROM                puts FROM, FROM+1, ... until one fails */
#include "numbered.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hpx_error error;

static int complain(void)
{
    fprintf(stderr, "fault_store: %s\n", error.message);
    return 1;
}

static bool put(hpx_store *store, uint64_t number, uint32_t epoch, size_t size)
{
    if (numbered_put(store, number, epoch, size, &error))
        return false;
    printf("acknowledged %" PRIu64 " %u\n", number, epoch);
    return fflush(stdout) == 0;
}

static void check(hpx_store *store, uint64_t number, uint32_t epoch, size_t size)
{
    numbered_state state = numbered_check(store, number, epoch, size, &error);
    printf("%s %" PRIu64 " %u\n", numbered_state_names[state], number, epoch);
    if (state == NUMBERED_FAILED)
        complain();
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    bool checks = strcmp(argv[1], "check") == 0, fills = strcmp(argv[1], "fill") == 0;
    size_t size = strtoull(argv[3], NULL, 10);
    hpx_store *store;
    if (hpx_store_open(&store, argv[2], checks ? HPX_STORE_READ : HPX_STORE_WRITE, &error))
        return complain();
    if (!checks && numbered_records(store, &error))
        return complain();
    for (uint64_t number = strtoull(argv[4], NULL, 10); fills; number++)
        if (!put(store, number, 1, size))
            return complain();
    for (int i = 4; i < argc; i++) {
        char *colon;
        uint64_t number = strtoull(argv[i], &colon, 10);
        uint32_t epoch = (uint32_t)strtoul(colon + 1, NULL, 10);
        if (checks)
            check(store, number, epoch, size);
        else if (!put(store, number, epoch, size))
            return complain();
    }
    hpx_store_close(store);
    return 0;
}
