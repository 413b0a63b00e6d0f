/* The user's own program, as a trainer. Its part of a recipe is the statement `program`. */
#include "trainers.h"

static hpx_status run(const hpx_fields *manifest, const void *data, uint32_t from, uint32_t to,
                      const hpx_blob *checkpoint, hpx_epoch_fn *on_epoch, void *context, hpx_error *error)
{
    (void)manifest, (void)data, (void)from, (void)to, (void)checkpoint, (void)on_epoch, (void)context;
    return hpx_error_set(error, HPX_FAILED, "this version runs no programs");
}

static const hpx_sources sources = {.names = "", .version = ""};

const hpx_trainer hpx_trainer_program = {.name = "program", .sources = &sources, .run = run};
