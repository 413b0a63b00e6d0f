/* The user's own program, as a trainer. Its part of a recipe is the statement `program`. */
#include "trainers.h"

static hpx_status run(const hpx_run *run, hpx_error *error)
{
    (void)run;
    return hpx_error_set(error, HPX_FAILED, "this version runs no programs");
}

static const hpx_sources sources = {.names = "", .version = ""};

const hpx_trainer hpx_trainer_program = {.name = "program", .sources = &sources, .run = run};
