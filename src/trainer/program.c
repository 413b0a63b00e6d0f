/* The user's own program, as a trainer. Its part of a recipe is the statement `program`. */
#include "trainers.h"

#include "program/run.h"

static const hpx_sources sources = {.names = "", .version = ""};

const hpx_trainer hpx_trainer_program = {.name = "program", .sources = &sources, .run = hpx_program_run};
