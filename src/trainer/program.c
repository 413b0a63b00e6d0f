/* The user's own program, as a trainer. Its part of a recipe is the statement `program`, and its code is the user's. */
#include "trainers.h"

#include "base/machine.h"
#include "hpx/buffer.h"
#include "program/archive.h"
#include "program/run.h"

/* The class of machine on which a result repeats. */
static void numerics(hpx_fields *out)
{
    static const struct {
        const char *field;
        bool (*model)(hpx_buffer *out);
    } parts[] = {{"processor", hpx_processor_model}, {"gpu", hpx_gpu_model}, {"driver", hpx_gpu_driver}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        hpx_buffer text = {0}, name = {0};
        hpx_buffer_printf(&name, "numerics.%s", parts[i].field);
        if (parts[i].model(&text))
            hpx_fields_set_text(out, hpx_buffer_text(&name), hpx_buffer_text(&text));
        hpx_buffer_free(&name);
        hpx_buffer_free(&text);
    }
}

static hpx_status check_checkpoint(const hpx_fields *manifest, const hpx_fields *inputs, uint32_t epoch,
                                   const hpx_blob *checkpoint, hpx_error *error)
{
    (void)manifest, (void)inputs, (void)epoch;
    return hpx_archive_check(checkpoint, error);
}

static const hpx_sources sources = {.names = "", .version = ""};

const hpx_trainer hpx_trainer_program = {
    .name = HPX_TRAINER_PROGRAM,
    .sources = &sources,
    .numerics = numerics,
    .run = hpx_program_run,
    .check_checkpoint = check_checkpoint,
};
