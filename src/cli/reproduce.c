/* hpx reproduce: one result trained again, by this binary or by the very code that made it. */
#include "cli.h"

#include "hpx/code.h"
#include "hpx/file.h"
#include "hpx/machine.h"
#include "hpx/manifest.h"
#include "hpx/memory.h"
#include "hpx/process.h"
#include "hpx/rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_BYTES_MAX (64u << 20)
#define TAIL_BYTES    1500

struct reproduction {
    hpx_rebuilt rebuilt; /* `newest` and `why` are not kept */
    char *why;
};

static hpx_status note(void *context, const hpx_rebuilt *rebuilt, hpx_error *error)
{
    (void)error;
    struct reproduction *reproduction = context;
    reproduction->rebuilt = *rebuilt;
    reproduction->why = rebuilt->why ? hpx_strdup(rebuilt->why) : NULL;
    return HPX_OK;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static void remove_tree(const char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The last lines of make's output, as many as an error can tell: what failed is there. */
static hpx_status make_failed(const char *log, hpx_error *error)
{
    hpx_buffer text = {0};
    hpx_error unread;
    hpx_file_read(&text, log, LOG_BYTES_MAX, &unread);
    const char *lines = hpx_buffer_text(&text);
    if (text.size > TAIL_BYTES) {
        lines += text.size - TAIL_BYTES;
        lines += strcspn(lines, "\n") + 1;
    }
    hpx_status status =
        hpx_error_set(error, HPX_FAILED, "the code of this result does not build here any more:\n%s", lines);
    hpx_buffer_free(&text);
    return status;
}

/* Runs make in the folder, its output going to a file there. */
static hpx_status run_make(const char *folder, hpx_error *error)
{
    char *log = hpx_path_join(folder, "make.log"), *jobs = hpx_format("-j%zu", hpx_processors());
    char *arguments[] = {"make", "-C", (char *)folder, jobs, "build/hpx", NULL};
    int how = 0, file = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    pid_t pid;
    /* Not those of a make that runs this. */
    unsetenv("MAKEFLAGS");
    unsetenv("MFLAGS");
    unsetenv("MAKELEVEL");
    const hpx_process_options options = {.arguments = arguments, .descriptors = {-1, file, file}};
    hpx_status status = file < 0 ? hpx_error_errno(error, "%s", log) : HPX_OK;
    if (!status)
        status = hpx_process_start(&pid, &options, error);
    if (!status)
        status = hpx_process_wait(&how, pid, error);
    if (file >= 0)
        close(file);
    if (!status && how != 0)
        status = make_failed(log, error);
    free(jobs);
    free(log);
    return status;
}

/* Builds the code of a record in a new folder; *program is its hpx. */
static hpx_status build_code(char **folder, char **program, const hpx_fields *code, hpx_error *error)
{
    const char *temporary = getenv("TMPDIR");
    *folder = hpx_path_join(temporary && *temporary ? temporary : "/tmp", "hpx-code-XXXXXX");
    if (!mkdtemp(*folder))
        return hpx_error_errno(error, "%s", *folder);
    hpx_status status = hpx_code_checkout(*folder, hpx_code_built.root, code, error);
    if (!status)
        status = run_make(*folder, error);
    if (!status)
        *program = hpx_path_join(*folder, "build/hpx");
    return status;
}

static hpx_status train_again(struct reproduction *reproduction, hpx_store *store, const hpx_shown *shown,
                              const char *data, const char *program, hpx_error *error)
{
    const hpx_rebuild_wanted wanted = {.key = shown->newest.artifact.key};
    hpx_rebuild_options rebuild = {
        .program = program ? program : worker_program(),
        .jobs = 1,
        .wanted = &wanted,
        .wanted_count = 1,
        .as_this = !program,
        .folder = data,
        .done = note,
        .context = reproduction,
        .interrupted = &interrupted,
    };
    hpx_rebuild_counts counts;
    return hpx_rebuild(&counts, store, &rebuild, error);
}

/* The worker shall multiply with the kernel that was used, not with the best one of this machine. */
static void pin_kernel(const hpx_fields *manifest)
{
    const char *kernel;
    hpx_error error;
    if (hpx_fields_text(&kernel, manifest, "numerics.kernel", &error) == HPX_OK)
        setenv("OPENBLAS_CORETYPE", kernel, 1);
}

/* The manifest as it was trained again. */
static void fill_wanted(hpx_reproduced *out, const hpx_shown *shown, bool at_code)
{
    const hpx_fields *recorded = &shown->newest.manifest;
    for (size_t i = 0; i < recorded->count; i++)
        hpx_fields_set(&out->manifest, &recorded->fields[i]);
    if (!at_code)
        hpx_manifest_set_binary(&out->manifest);
}

int report_rebuilt(const struct options *options, const hpx_shown *shown, const hpx_rebuilt *rebuilt)
{
    hpx_buffer text = {0};
    hpx_fields this_code = {0};
    hpx_code_change change = {0};
    hpx_error unknown;
    hpx_reproduced reproduced = {
        .artifact = &shown->newest.artifact,
        .recorded = &shown->newest.manifest,
        .rebuilt = rebuilt,
        .at_code = options->at_code,
    };
    fill_wanted(&reproduced, shown, options->at_code);
    hpx_code_fields(&this_code, &hpx_code_built);
    if (!options->at_code && hpx_code_compare(&change, hpx_code_built.root, hpx_code_built.sources,
                                              &shown->newest.code, &this_code, &unknown) == HPX_OK)
        reproduced.change = &change;
    if (options->json)
        hpx_report_reproduced_json(&text, &reproduced);
    else
        hpx_report_reproduced(&text, &reproduced);
    hpx_code_change_free(&change);
    hpx_fields_free(&this_code);
    hpx_fields_free(&reproduced.manifest);
    const int printed = print_result(&text);
    return printed ? printed : rebuilt->verdict == HPX_REBUILD_SAME ? EXIT_DONE : EXIT_DIFFERS;
}

int run_reproduce(const struct options *options)
{
    char *folder = store_folder(options, "."), *data = data_folder(folder), *tree = NULL, *program = NULL;
    struct reproduction reproduction = {.why = NULL};
    hpx_store *store;
    hpx_error error;
    hpx_shown shown = {0};
    int code;
    catch_interrupts();
    hpx_status status = open_store(&store, options, folder, HPX_STORE_READ, &error);
    if (!status)
        status = read_shown(&shown, store, options->arguments[0], &error);
    /* A second output is kept where that is possible, so the store is opened for writing once it is known to
     * exist; what is shown borrows from it. */
    free_shown(&shown);
    hpx_store_close(store);
    store = NULL;
    if (!status)
        status = open_store(&store, options, folder, HPX_STORE_WRITE_OR_READ, &error);
    if (!status)
        status = read_shown(&shown, store, options->arguments[0], &error);
    if (!status && options->at_code)
        status = build_code(&tree, &program, &shown.newest.code, &error);
    if (!status && options->at_code)
        pin_kernel(&shown.newest.manifest);
    if (!status)
        status = train_again(&reproduction, store, &shown, data, program, &error);
    if (!status && reproduction.why)
        status = hpx_error_set(&error, HPX_FAILED, "%s: %s", options->arguments[0], reproduction.why);
    if (!status && reproduction.rebuilt.compared == 0)
        status = hpx_error_set(&error, HPX_FAILED, "%s: its results are lost", options->arguments[0]);
    code = status ? fail(&error) : report_rebuilt(options, &shown, &reproduction.rebuilt);
    if (tree)
        remove_tree(tree);
    free_shown(&shown);
    hpx_store_close(store);
    free(reproduction.why);
    free(program);
    free(tree);
    free(data);
    free(folder);
    return code;
}
