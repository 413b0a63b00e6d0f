#include "upkeep/reproduce.h"

#include "base/memory.h"
#include "base/text.h"
#include "code/compile.h"
#include "hpx/file.h"
#include "identity/difference.h"
#include "identity/manifest.h"

#include <stdlib.h>
#include <string.h>

/* --- trust ------------------------------------------------------------------------------------------------ */

/* What an import brought ends no line. */
static void add_line_part(hpx_buffer *out, const char *text)
{
    hpx_text_show(out, text, strlen(text), "");
}

/* "commit 77f0aa1c2b90 (v1.2)", and its sources as a patch of that commit. */
static void describe_code(hpx_buffer *out, const hpx_fields *code)
{
    const char *commit = hpx_fields_text_or_empty(code, "commit"),
               *describe = hpx_fields_text_or_empty(code, "describe");
    hpx_error error;
    hpx_buffer_puts(out, "commit ");
    add_line_part(out, *commit ? commit : "unknown");
    hpx_buffer_puts(out, *describe ? " (" : "");
    add_line_part(out, describe);
    hpx_buffer_puts(out, *describe ? ")\n" : "\n");
    if (hpx_code_show(out, hpx_code_built.root, code, &error) != HPX_OK)
        hpx_buffer_printf(out, "%s\n", error.message);
}

/* HPX_OK for code that was built here, or is trusted. What came by an import is described, and HPX_FAILED. */
static hpx_status check_trust(hpx_buffer *untrusted, hpx_store *store, const hpx_provenance *newest,
                              bool trust, hpx_error *error)
{
    hpx_fields import = {0};
    hpx_buffer from = {0};
    hpx_status status = hpx_store_find_import(&import, store, &newest->artifact.code, 0, error);
    if (!status && !trust) {
        describe_code(untrusted, &newest->code);
        add_line_part(&from, hpx_fields_text_or_empty(&import, "from"));
        status = hpx_error_set(
            error, HPX_FAILED,
            "this code came by an import (from %s) and has not been run: read above what it is, "
            "and if you trust it, say --trust",
            hpx_buffer_text(&from));
    }
    hpx_buffer_free(&from);
    hpx_fields_free(&import);
    return status == HPX_NOT_FOUND ? HPX_OK : status;
}

/* --- training --------------------------------------------------------------------------------------------- */

struct training {
    hpx_rebuilt rebuilt;
    hpx_fields *manifest;
    char *why;
};

static hpx_status note(void *context, const hpx_rebuilt *rebuilt, hpx_error *error)
{
    (void)error;
    struct training *training = context;
    training->rebuilt = hpx_rebuilt_copy(rebuilt);
    hpx_fields_add(training->manifest, rebuilt->manifest);
    training->why = rebuilt->why ? hpx_strdup(rebuilt->why) : NULL;
    return HPX_OK;
}

static hpx_status train(hpx_reproduced *out, hpx_store *store, const char *prefix, const char *program,
                        const hpx_reproduce_options *options, hpx_error *error)
{
    struct training training = {.manifest = &out->manifest};
    const hpx_rebuild_wanted wanted = {.key = out->trajectory.newest.artifact.key};
    const hpx_rebuild_options rebuild = {
        .program = program,
        .jobs = 1,
        .wanted = &wanted,
        .wanted_count = 1,
        .trust = options->trust,
        .as_this = !out->at_code,
        .folder = options->folder,
        .done = note,
        .context = &training,
        .interrupted = options->interrupted,
    };
    hpx_rebuild_counts counts;
    hpx_status status = hpx_rebuild(&counts, store, &rebuild, error);
    if (!status && training.why)
        status = hpx_error_set(error, HPX_FAILED, "%s: %s", prefix, training.why);
    if (!status && training.rebuilt.compared == 0)
        status = hpx_error_set(error, HPX_FAILED, "%s: its results are lost", prefix);
    out->rebuilt = training.rebuilt;
    free(training.why);
    return status;
}

/* What workers read from the environment: they shall multiply as was recorded, not in the best way of this machine. */
static const struct {
    const char *field, *variable;
} pins[] = {{"numerics.vector", "HPX_VECTOR"}, {"numerics.kernel", "OPENBLAS_CORETYPE"}};
#define PINS (sizeof pins / sizeof *pins)

static void set_variable(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static void pin_numerics(char *before[PINS], const hpx_fields *manifest)
{
    for (size_t i = 0; i < PINS; i++) {
        const char *value = hpx_fields_text_or_empty(manifest, pins[i].field),
                   *given = getenv(pins[i].variable);
        before[i] = given ? hpx_strdup(given) : NULL;
        if (*value)
            set_variable(pins[i].variable, value);
    }
}

static void unpin_numerics(char *before[PINS])
{
    for (size_t i = 0; i < PINS; i++) {
        set_variable(pins[i].variable, before[i]);
        free(before[i]);
    }
}

static hpx_status train_at_code(hpx_reproduced *out, hpx_store *store, const char *prefix,
                                const hpx_reproduce_options *options, hpx_error *error)
{
    const hpx_provenance *newest = &out->trajectory.newest;
    const uint8_t *maker = hpx_provenance_maker(newest);
    hpx_fields made = {0};
    hpx_fields_add(&made, &newest->manifest);
    if (maker)
        hpx_adoptions_set_maker(newest->adoptions, &made, maker);
    const char *compiler = hpx_fields_text_or_empty(&made, "numerics.compiler");
    char *folder = NULL, *program = NULL, *before[PINS];
    hpx_status status = check_trust(&out->untrusted, store, newest, options->trust, error);
    if (!status)
        status = hpx_code_compile(&folder, &program, hpx_code_built.root, &newest->code, compiler,
                                  options->interrupted, error);
    if (!status) {
        pin_numerics(before, &made);
        status = train(out, store, prefix, program, options, error);
        unpin_numerics(before);
    }
    hpx_folder_remove(folder);
    hpx_fields_free(&made);
    free(program);
    free(folder);
    return status;
}

/* --- what is said of it ----------------------------------------------------------------------------------- */

/* The manifest as it was trained, and what changed in the code. A program's is known: its code is the same. */
static void compare_origins(hpx_reproduced *out)
{
    const hpx_provenance *newest = &out->trajectory.newest;
    hpx_fields this_code = {0};
    const hpx_trainer *trainer;
    hpx_error unknown;
    if (hpx_manifest_is_of_program(&newest->manifest))
        return;
    hpx_fields_free(&out->manifest);
    hpx_fields_add(&out->manifest, &newest->manifest);
    if (out->at_code)
        return;
    if (hpx_trainer_of(&trainer, &out->manifest, &unknown) == HPX_OK)
        hpx_manifest_set_binary(&out->manifest, trainer);
    const hpx_sources *sources = hpx_manifest_sources(&out->manifest);
    hpx_code_fields(&this_code, &hpx_code_built, sources);
    out->change_known = hpx_difference_of_code(&out->change, &out->manifest, &newest->code, &this_code);
    hpx_fields_free(&this_code);
}

hpx_status hpx_reproduce(hpx_reproduced *out, hpx_store *store, const char *prefix,
                         const hpx_reproduce_options *options, hpx_error *error)
{
    *out = (hpx_reproduced){.at_code = false};
    hpx_status status = hpx_trajectory_read(&out->trajectory, store, prefix, error);
    const hpx_provenance *newest = &out->trajectory.newest;
    const bool program = !status && hpx_manifest_is_of_program(&newest->manifest);
    out->at_code = options->at_code && !program; /* a program's code is its own in any case */
    if (program)
        status = check_trust(&out->untrusted, store, newest, options->trust, error);
    if (!status && out->at_code)
        status = train_at_code(out, store, prefix, options, error);
    else if (!status)
        status = train(out, store, prefix, options->program, options, error);
    if (!status)
        compare_origins(out);
    return status;
}

hpx_status hpx_reproduced_from(hpx_reproduced *out, hpx_store *store, const hpx_hash *key,
                               const hpx_rebuilt *rebuilt, hpx_error *error)
{
    char hex[HPX_HASH_HEX_BYTES];
    *out = (hpx_reproduced){.rebuilt = hpx_rebuilt_copy(rebuilt)};
    hpx_status status = hpx_trajectory_read(&out->trajectory, store, hpx_hash_hex(hex, key), error);
    if (!status)
        compare_origins(out);
    return status;
}

void hpx_reproduced_free(hpx_reproduced *reproduced)
{
    hpx_trajectory_free(&reproduced->trajectory);
    hpx_rebuilt_free(&reproduced->rebuilt);
    hpx_fields_free(&reproduced->manifest);
    hpx_code_change_free(&reproduced->change);
    hpx_buffer_free(&reproduced->untrusted);
    *reproduced = (hpx_reproduced){0};
}
