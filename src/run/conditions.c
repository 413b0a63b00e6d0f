/* What the jobs of a build have beside their manifests: how a program is run, and which code it is. Nothing of it is made, or
 * looked for, before the first job. */
#include "inside.h"

#include "base/machine.h"
#include "base/memory.h"
#include "base/text.h"
#include "hpx/code.h"
#include "identity/program.h"
#include "program/gpu.h"
#include "program/processes.h"

#include <stdlib.h>
#include <string.h>

size_t hpx_build_slots(const hpx_recipe *recipe, size_t jobs)
{
    const hpx_program *program = recipe->program;
    if (!program)
        return jobs;
    size_t slots = jobs / program->threads;
    if (program->memory > 0 && hpx_memory_available() / program->memory < slots)
        slots = (size_t)(hpx_memory_available() / program->memory);
    if (program->gpus > 0 && hpx_gpu_count() / program->gpus < slots)
        slots = hpx_gpu_count() / program->gpus;
    return slots > 0 ? slots : 1;
}

static hpx_status check_gpus(const hpx_program *program, hpx_error *error)
{
    if (program->gpus == 0 || program->gpus <= hpx_gpu_count())
        return HPX_OK;
    return hpx_error_set(
        error, HPX_FAILED,
        "the program asks for %u %s, and this host has %zu (HPX_GPUS=0,1 names those to use)", program->gpus,
        hpx_plural(program->gpus, "GPU", "GPUs"), hpx_gpu_count());
}

/* What is stored of how a program is run: not where on this machine. */
static hpx_status put_conditions(struct build *build, hpx_error *error)
{
    hpx_fields kept = {0};
    for (size_t i = 0; i < build->conditions.count; i++)
        if (strncmp(build->conditions.fields[i].name, "job.", 4) != 0)
            hpx_fields_set(&kept, &build->conditions.fields[i]);
    build->conditions_id = hpx_record_id(&kept);
    hpx_status status = hpx_store_put_record(build->store, HPX_RECORD_CONDITIONS, &kept, error);
    hpx_fields_free(&kept);
    return status;
}

hpx_status hpx_build_prepare(struct build *build, hpx_error *error)
{
    if (build->mark || !build->recipe->program)
        return HPX_OK;
    hpx_status status = build->options->launcher ? HPX_OK : check_gpus(build->recipe->program, error);
    if (!status)
        status = hpx_experiment_prepare(&build->conditions, build->experiment, error);
    if (!status)
        status = put_conditions(build, error);
    if (status)
        return status;
    build->comparison = hpx_comparison_of(&build->conditions);
    build->mark = hpx_program_mark(build->store);
    const size_t strays = hpx_processes_end_strays(build->mark, HPX_GRACE_SECONDS);
    if (strays > 0)
        hpx_build_say(build, "%zu %s left by a build that was killed: ended", strays,
                      hpx_plural(strays, "process", "processes"));
    return HPX_OK;
}

void hpx_build_add_conditions(hpx_buffer *out, const struct build *build, const struct trial *trial)
{
    hpx_fields conditions = {0};
    char hex[2 * HPX_HASH_BYTES + 1];
    if (!build->mark)
        return;
    hpx_hex(hex, trial->key.bytes, HPX_HASH_BYTES);
    char *mark = hpx_format("%s%s", build->mark, hex);
    hpx_fields_add(&conditions, &build->conditions);
    hpx_fields_set_text(&conditions, "job.trial", mark);
    hpx_fields_encode(out, &conditions);
    hpx_fields_free(&conditions);
    free(mark);
}

/* The fields of a cell's manifest that its code record goes with. */
static hpx_hash code_part(const struct build *build, uint32_t cell)
{
    hpx_fields manifest = {0}, part = {0};
    if (build->recipe->program)
        hpx_experiment_fields(&manifest, build->experiment, cell, 0);
    for (size_t i = 0; i < manifest.count; i++)
        if (strncmp(manifest.fields[i].name, "code.", 5) == 0 ||
            strncmp(manifest.fields[i].name, "version.", 8) == 0)
            hpx_fields_set(&part, &manifest.fields[i]);
    const hpx_hash hash = hpx_record_id(&part);
    hpx_fields_free(&part);
    hpx_fields_free(&manifest);
    return hash;
}

void hpx_build_warn(struct build *build)
{
    char *warnings = hpx_experiment_take_warnings(build->experiment);
    if (warnings)
        hpx_build_say(build, "%s", warnings);
    free(warnings);
}

hpx_status hpx_build_put_code(hpx_hash *id, struct build *build, uint32_t cell, hpx_error *error)
{
    const hpx_hash part = code_part(build, cell);
    for (size_t i = 0; i < build->code_count; i++)
        if (hpx_hash_equal(&build->codes[i].part, &part)) {
            *id = build->codes[i].id;
            return HPX_OK;
        }
    hpx_fields code = {0}, data = {0};
    hpx_experiment_records(&code, &data, build->experiment, cell);
    hpx_build_warn(build);
    hpx_status status = hpx_store_put_record(build->store, HPX_RECORD_CODE, &code, error);
    if (!status) {
        *id = hpx_record_id(&code);
        build->codes =
            hpx_grow(build->codes, &build->code_capacity, build->code_count + 1, sizeof *build->codes);
        build->codes[build->code_count++] = (struct known_code){part, *id};
    }
    hpx_fields_free(&code);
    hpx_fields_free(&data);
    return status;
}

hpx_status hpx_build_hand_over(struct build *build, hpx_error *error)
{
    hpx_status status = HPX_OK;
    hpx_hash hash;
    while (!status && build->executor->lacks(&hash, build->executor)) {
        hpx_buffer name = {0};
        status = hpx_experiment_hand_over(&name, build->experiment, &hash, build->options->pool, error);
        if (!status) {
            hpx_build_say(build, "%s is copied to nodes that do not see it", hpx_buffer_text(&name));
        } else if (status == HPX_NOT_FOUND) {
            status = HPX_OK; /* a build before this one had such data */
        } else {
            hpx_error_prefix(error, "%s: cannot be copied to the nodes", hpx_buffer_text(&name));
        }
        hpx_buffer_free(&name);
    }
    return status;
}

void hpx_build_forget_conditions(struct build *build)
{
    hpx_fields_free(&build->conditions);
    free(build->codes);
    free(build->mark);
}
