/* A trainer linked from the list of its sources and the neutral ones alone (see the Makefile): whatever decides a number
 * and is in neither is undefined here. It trains, so that what it needs is needed here too: TRAINER is its symbol. */
#include "hpx/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const hpx_trainer TRAINER;

static hpx_status ignore_epoch(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    (void)context, (void)epoch, (void)error;
    return HPX_OK;
}

/* Without inputs and settings it refuses; all that it would have called is linked nevertheless. */
int main(void)
{
    hpx_fields manifest = {0}, numerics = {0};
    hpx_error error = {0};
    const hpx_input none[HPX_INPUTS_MAX] = {{.name = "", .path = (char *)"/dev/null"}};
    hpx_buffer log = {0};
    const hpx_run run = {.manifest = &manifest,
                         .conditions = &manifest,
                         .to = 1,
                         .on_epoch = ignore_epoch,
                         .log = &log,
                         .stop = -1};
    void *data = NULL;
    TRAINER.numerics(&numerics);
    if (TRAINER.inputs && TRAINER.inputs->open(&data, none, &error) == HPX_OK)
        return EXIT_FAILURE;
    if (!TRAINER.inputs)
        TRAINER.run(&run, &error);
    printf("%zu fields of numerics; %s\n", numerics.count, error.message);
    hpx_fields_free(&numerics);
    hpx_buffer_free(&log);
    return error.status ? EXIT_SUCCESS : EXIT_FAILURE;
}
