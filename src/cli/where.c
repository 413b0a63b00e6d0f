/* Where a build trains: --executor, else the user's configuration; never the recipe, which is the same everywhere. */
#include "cli.h"

#include "base/machine.h"
#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"
#include "program/copy.h"
#include "program/words.h"
#include "worker/launcher.h"

#include <stdlib.h>
#include <string.h>

/* In the scratch folder, too: what is behind this machine is one cluster, for each kernel that --kernel, or the environment,
 * says. free() it. */
static char *numerics_path(const char *scratch)
{
    char host[64], *kernel = hpx_kernel_pinned();
    hpx_host_name(host, sizeof host);
    char *path = hpx_format("%s/elsewhere/%s%s%s", scratch, host, *kernel ? "." : "", kernel);
    free(kernel);
    return path;
}

/* In the scratch folder, which all nodes see where they share the user's home: a folder for each store. */
static hpx_status find_pool(struct where *out, const struct target *target, const struct options *options,
                            hpx_error *error)
{
    char hex[HPX_HASH_HEX_BYTES], host[64], *scratch;
    hpx_status status = hpx_scratch_folder(&scratch, true, error);
    if (status)
        return status;
    char *store = hpx_store_folder(options, target->path), *real = hpx_path_real(store);
    hpx_host_name(host, sizeof host);
    char *place = hpx_format("%s:%s", host, real ? real : store);
    const hpx_hash hash = hpx_hash_of(place, strlen(place));
    out->pool = hpx_format("%s/pools/%.16s", scratch, hpx_hash_hex(hex, &hash));
    out->numerics = numerics_path(scratch);
    free(place);
    free(real);
    free(store);
    free(scratch);
    return HPX_OK;
}

/* What the command line says, else the configuration. */
static hpx_status read_executor(struct where *out, const struct options *options, hpx_error *error)
{
    const char *executor = options->executor;
    char *value = NULL, *place = NULL;
    hpx_error unclosed;
    size_t count;
    hpx_status status = executor ? HPX_OK : hpx_config_find(&value, &place, "executor", error);
    if (value && hpx_words_split(&out->words, &count, value, &unclosed))
        status = hpx_error_set(error, HPX_USAGE, "%s: %s", place, unclosed.message);
    if (value && !status) {
        executor = out->words[0];
        if (strcmp(executor, "local") != 0 && strcmp(executor, "slurm") != 0)
            status = hpx_error_set(error, HPX_USAGE, "%s: there is no executor '%s'; expected local or slurm",
                                   place, executor);
        out->sbatch = out->words + 1;
    }
    if (options->sbatch)
        out->sbatch = options->sbatch;
    out->elsewhere = executor && strcmp(executor, "slurm") == 0;
    free(value);
    free(place);
    return status;
}

static hpx_slurm_request request_of(const hpx_recipe *recipe)
{
    const hpx_program *program = recipe->program;
    return (hpx_slurm_request){
        .processors = program ? program->threads : 1,
        .gpus = program ? program->gpus : 0,
        .memory_bytes = program ? program->memory : 0,
    };
}

hpx_status hpx_find_where(struct where *out, const struct target *target, const struct options *options,
                          hpx_error *error)
{
    *out = (struct where){.pool = NULL};
    hpx_status status = read_executor(out, options, error);
    if (status || !out->elsewhere)
        return status;
    if (options->jobs == 0 && !options->dry)
        return hpx_error_set(error, HPX_USAGE,
                             "the executor slurm: say with -j how many workers there are to be");
    status = hpx_slurm_check_options(out->sbatch, error);
    if (!status)
        status = find_pool(out, target, options, error);
    out->program = hpx_path_real(hpx_worker_program());
    return status;
}

bool hpx_trains_here(const struct options *options)
{
    struct where where = {.pool = NULL};
    hpx_error later; /* it is said when the place is needed */
    const bool here = read_executor(&where, options, &later) != HPX_OK || !where.elsewhere;
    hpx_where_free(&where);
    return here;
}

const char *hpx_elsewhere(void)
{
    static const struct options none;
    static char *path;
    static bool looked;
    struct where where = {.pool = NULL};
    char *scratch;
    hpx_error unknown;
    if (!looked && read_executor(&where, &none, &unknown) == HPX_OK && where.elsewhere &&
        hpx_scratch_folder(&scratch, false, &unknown) == HPX_OK) {
        path = numerics_path(scratch);
        free(scratch);
    }
    looked = true;
    hpx_where_free(&where);
    return path;
}

hpx_launcher *hpx_where_launcher(const struct where *where, const hpx_recipe *recipe)
{
    const hpx_slurm_request request = request_of(recipe);
    return where->elsewhere ? hpx_launcher_slurm(where->program, where->pool, &request, where->sbatch) : NULL;
}

void hpx_where_describe(hpx_buffer *out, const struct where *where, const hpx_recipe *recipe, size_t workers)
{
    const hpx_slurm_request request = request_of(recipe);
    hpx_buffer_printf(out, "\n%zu %s would be asked for:\n\n", workers,
                      hpx_plural(workers, "worker", "workers"));
    hpx_slurm_describe(out, where->program, where->pool, &request, where->sbatch, workers);
}

void hpx_where_free(struct where *where)
{
    hpx_words_free(where->words);
    free(where->pool);
    free(where->numerics);
    free(where->program);
}
