/* The table of trainers. */
#include "trainers.h"

#include <string.h>

static const hpx_trainer *trainers[HPX_TRAINERS_MAX] = {&hpx_trainer_program, &hpx_trainer_mlp,
                                                        &hpx_trainer_cnn};
static const char *names[HPX_TRAINERS_MAX] = {"mlp", "cnn"}; /* of all but the program */

const hpx_trainer *hpx_trainer_find(const char *name)
{
    size_t at = 0;
    while (at < HPX_TRAINERS_MAX && trainers[at] && strcmp(trainers[at]->name, name) != 0)
        at++;
    return at < HPX_TRAINERS_MAX ? trainers[at] : NULL;
}

const char *const *hpx_trainer_names(void)
{
    return names;
}

hpx_status hpx_trainer_of(const hpx_trainer **out, const hpx_fields *manifest, hpx_error *error)
{
    const char *kind;
    hpx_status status = hpx_fields_text(&kind, manifest, "model.kind", error);
    if (!status && !(*out = hpx_trainer_find(kind)))
        status = hpx_error_set(error, HPX_FAILED, "no trainer is called '%s'", kind);
    return status;
}

hpx_status hpx_trainer_register(const hpx_trainer *trainer, hpx_error *error)
{
    size_t at = 0;
    if (hpx_trainer_find(trainer->name))
        return hpx_error_set(error, HPX_USAGE, "there is a trainer '%s' already", trainer->name);
    while (at < HPX_TRAINERS_MAX && trainers[at])
        at++;
    if (at == HPX_TRAINERS_MAX)
        return hpx_error_set(error, HPX_USAGE, "more than %d trainers", HPX_TRAINERS_MAX);
    trainers[at] = trainer;
    names[at - 1] = trainer->name;
    return HPX_OK;
}
