#include "cli.h"

#include "base/machine.h"
#include "base/memory.h"
#include "base/text.h"
#include "hpx/code.h"
#include "identity/manifest.h"
#include "store/space.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a worker takes, whatever it trains; and what a build has open besides. */
#define WORKER_BYTES       ((uint64_t)64 << 20)
#define WORKER_DESCRIPTORS 2
#define SPARE_DESCRIPTORS  24

/* Not by stdio, which gives up when a signal is noted meanwhile, or a pipe that somebody else has made
 * non-blocking is full. */
static int write_result(hpx_buffer *text)
{
    size_t at = 0;
    while (at < text->size) {
        ssize_t put = write(STDOUT_FILENO, text->data + at, text->size - at);
        if (put >= 0)
            at += (size_t)put;
        else if (errno == EAGAIN)
            poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
        else if (errno != EINTR)
            break;
    }
    const int code = at == text->size ? 0 : errno;
    hpx_buffer_free(text);
    if (code == 0)
        return EXIT_DONE;
    if (code == EPIPE)
        hpx_die_of_broken_pipe();
    hpx_say("cannot write the result: %s", strerror(code));
    return EXIT_FAILED;
}

static int print_code; /* of what was passed on to stdout; but EXIT_DONE, and no more is */

void hpx_pass_on(const void *bytes, size_t size)
{
    hpx_buffer shown = {0};
    if (hpx_interrupted)
        hpx_die_of(hpx_interrupted);
    if (print_code != EXIT_DONE)
        return;
    hpx_text_show(&shown, bytes, size, "\n\t");
    print_code = write_result(&shown);
}

int hpx_print_result(hpx_buffer *text)
{
    hpx_buffer shown = {0};
    if (print_code == EXIT_DONE)
        hpx_text_show(&shown, text->data, text->size, "\n\t");
    hpx_buffer_free(text);
    return print_code == EXIT_DONE ? write_result(&shown) : print_code;
}

int hpx_print_bytes(hpx_buffer *text)
{
    return isatty(STDOUT_FILENO) ? hpx_print_result(text) : write_result(text);
}

int hpx_write_output(const char *path, hpx_buffer *text)
{
    hpx_error error;
    if (strcmp(path, "-") == 0)
        return hpx_print_bytes(text);
    const hpx_status status = hpx_file_write(path, text->data, text->size, &error);
    hpx_buffer_free(text);
    return status ? hpx_fail(&error) : EXIT_DONE;
}

static bool has_score(const hpx_search_outcome *search)
{
    for (size_t i = 0; i < search->visit_count; i++)
        if (!isnan(search->visits[i].score))
            return true;
    return false;
}

int hpx_check_searches(const hpx_outcome *outcome)
{
    int code = EXIT_DONE;
    for (size_t i = 0; i < outcome->search_count; i++) {
        const hpx_search_outcome *search = &outcome->searches[i];
        if (!search->done || !isnan(search->incumbent_score))
            continue;
        if (has_score(search))
            hpx_say("%s: all its cells failed that came to epoch %u", search->search->name,
                    search->result.epochs);
        else
            hpx_say("%s: %s", search->search->name,
                    search->visit_count == 1 ? "its only cell failed" : "all its cells failed");
        code = EXIT_FAILED;
    }
    return code;
}

size_t hpx_jobs_of(const struct options *options)
{
    const size_t wanted = options->jobs ? options->jobs : hpx_processors();
    const size_t descriptors = hpx_descriptors_available(wanted * WORKER_DESCRIPTORS + SPARE_DESCRIPTORS);
    const size_t by_descriptors =
        descriptors > SPARE_DESCRIPTORS ? (descriptors - SPARE_DESCRIPTORS) / WORKER_DESCRIPTORS : 0;
    const size_t by_memory = (size_t)(hpx_memory_available() / WORKER_BYTES);
    const size_t least = by_descriptors < by_memory ? by_descriptors : by_memory;
    const size_t jobs = least < wanted ? (least > 0 ? least : 1) : wanted;
    if (jobs < wanted && !options->quiet)
        hpx_say("%zu %s at once instead of %zu: there %s for more", jobs, hpx_plural(jobs, "trial", "trials"),
                wanted, by_descriptors < by_memory ? "are no descriptors (ulimit -n)" : "is no memory");
    return jobs;
}

/* The kernel's name for this binary holds even when make replaces its file. In an emulator such as valgrind
 * that name is the emulator's, and the link tells the file. */
const char *hpx_worker_program(void)
{
    static const char self[] = "/proc/self/exe";
    static char path[PATH_MAX];
    ssize_t size = readlink(self, path, sizeof path - 1);
    struct stat mine, file; /* not of open files: an emulator opens its program for this name */
    path[size > 0 ? size : 0] = 0;
    bool emulated = stat(path, &file) == 0 && stat(self, &mine) == 0 &&
                    (mine.st_ino != file.st_ino || mine.st_dev != file.st_dev);
    return emulated ? path : self;
}

void hpx_warn_if_stale(void)
{
    for (const char *const *name = hpx_trainer_names(); *name; name++) {
        const hpx_sources *sources = hpx_trainer_find(*name)->sources;
        uint8_t now[HPX_CODE_BYTES];
        char old[HPX_CODE_HEX_BYTES], new[HPX_CODE_HEX_BYTES];
        if (!hpx_code_is_stale(now, hpx_code_built.root, sources))
            continue;
        hpx_hex(old, sources->version, HPX_CODE_BYTES);
        hpx_hex(new, now, HPX_CODE_BYTES);
        hpx_say(
            "warning: this binary is older than its sources in %s (trainer %.8s built, %.8s now); run make "
            "there",
            hpx_code_built.root, old, new);
        return; /* another trainer may share them */
    }
}

void hpx_warn_without_code(const hpx_recipe *recipe)
{
    const hpx_program *program = recipe->program;
    if (program && program->code.count == 0)
        hpx_say("warning: %s:%u:%u: program has no 'code': no edit of its files makes a stored result miss; "
                "expected a binding such as 'code = train.py src/'",
                program->place.file, program->place.line, program->place.column);
}

/* The nearest folder at or above `anchor` that holds .git, or NULL. free() it. */
static char *work_tree_of(const char *anchor)
{
    char *path = hpx_path_real(anchor);
    while (path) {
        char *mark = hpx_path_join(path, ".git");
        bool found = hpx_path_exists(mark);
        free(mark);
        if (found)
            return path;
        if (strcmp(path, "/") == 0)
            break;
        char *parent = hpx_path_directory(path);
        free(path);
        path = parent;
    }
    free(path);
    return NULL;
}

/* Splits RECIPE:SEARCH at the last colon, unless there is a file of the whole name. *search is NULL without
 * one. */
char *hpx_split_target(const char *argument, const char **search)
{
    const char *colon = strrchr(argument, ':');
    *search = NULL;
    if (!colon || hpx_path_exists(argument))
        return hpx_strdup(argument);
    *search = colon + 1;
    return hpx_strndup(argument, (size_t)(colon - argument));
}

char *hpx_recipe_path(const char *argument)
{
    const char *search;
    return hpx_split_target(argument, &search);
}

char *hpx_store_folder(const struct options *options, const char *anchor)
{
    const char *variable = getenv("HPX_STORE");
    if (options->store)
        return hpx_strdup(options->store);
    if (variable && *variable)
        return hpx_strdup(variable);
    char *path = hpx_recipe_path(anchor), *tree = work_tree_of(hpx_path_is_stream(path) ? "." : path);
    free(path);
    char *folder = tree ? hpx_path_join(tree, "cache") : hpx_strdup("cache");
    free(tree);
    return folder;
}

char *hpx_data_folder(const char *store)
{
    const char *variable = getenv("HPX_DATA");
    return variable && *variable ? hpx_strdup(variable) : hpx_path_join(store, "data");
}

static void report_damage(void *context, const char *what)
{
    (void)context;
    hpx_say("damaged: %s; treated as missing", what);
}

/* Git is to leave alone the cache/ that hpx makes in a work tree. A file that is there is the user's. */
static void ignore_in_git(const char *folder)
{
    static const char all[] = "*\n";
    char *path = hpx_path_real(folder), *tree = path ? hpx_path_directory(path) : NULL;
    if (tree && strcmp(path + strlen(path) - strlen("/cache"), "/cache") == 0) {
        char *mark = hpx_path_join(tree, ".git"), *list = hpx_path_join(path, ".gitignore");
        hpx_error error;
        if (hpx_path_exists(mark) && !hpx_path_exists(list) &&
            hpx_file_write(list, all, strlen(all), &error) != HPX_OK)
            hpx_say("warning: %s", error.message);
        free(mark);
        free(list);
    }
    free(tree);
    free(path);
}

hpx_status hpx_make_store_folder(const char *folder, hpx_error *error)
{
    hpx_status status = hpx_make_directories(folder, error);
    if (!status)
        ignore_in_git(folder);
    return status;
}

static hpx_status open_for_reading(hpx_store **out, const struct options *options, const char *folder,
                                   hpx_error *error)
{
    hpx_status status = hpx_store_open(out, folder, HPX_STORE_READ, error);
    if (status != HPX_NOT_FOUND)
        return status;
    if (options->store)
        return hpx_error_set(error, HPX_USAGE, "--store %s: there is no store; `hpx build` makes one",
                             folder);
    return HPX_OK;
}

static hpx_status open_for_writing(hpx_store **out, const struct options *options, const char *folder,
                                   hpx_store_mode mode, hpx_error *error)
{
    bool is_new = !hpx_store_exists(folder);
    hpx_status status = is_new ? hpx_make_store_folder(folder, error) : HPX_OK;
    if (!status)
        status = hpx_store_open(out, folder, mode, error);
    if (!status && is_new && !options->quiet)
        hpx_say("new store: %s", folder);
    return status;
}

hpx_status hpx_open_store(hpx_store **out, const struct options *options, const char *folder,
                          hpx_store_mode mode, hpx_error *error)
{
    *out = NULL;
    if (hpx_path_exists(folder) && !hpx_path_is_folder(folder))
        return hpx_error_set(error, HPX_USAGE, "%s: a store is a folder, and this is none", folder);
    hpx_status status = mode == HPX_STORE_READ ? open_for_reading(out, options, folder, error)
                                               : open_for_writing(out, options, folder, mode, error);
    if (!status && *out)
        hpx_store_on_damage(*out, report_damage, NULL);
    if (!status && *out)
        hpx_store_set_judge(*out, &hpx_manifest_judge);
    return status;
}

hpx_status hpx_open_existing(hpx_store **out, const struct options *options, const char *folder,
                             hpx_store_mode mode, hpx_error *error)
{
    hpx_status status = hpx_open_store(out, options, folder, HPX_STORE_READ, error);
    if (status || !*out || mode == HPX_STORE_READ)
        return status;
    hpx_store_close(*out);
    return hpx_open_store(out, options, folder, mode, error);
}

int hpx_print_from_store(const struct options *options, result_fn *add, int (*print)(hpx_buffer *text))
{
    char *folder = hpx_store_folder(options, ".");
    hpx_store *store;
    hpx_error error;
    hpx_buffer text = {0};
    hpx_status status = hpx_open_store(&store, options, folder, HPX_STORE_READ, &error);
    if (!status)
        status = add(&text, store, options, &error);
    hpx_store_close(store); /* who reads the result may take any time */
    const char *path = options->output;
    int code = status ? hpx_fail(&error) : path ? hpx_write_output(path, &text) : print(&text);
    free(folder);
    return code;
}

bool hpx_is_key(const char *word)
{
    return strspn(word, "0123456789abcdefABCDEF") == strlen(word) && !hpx_path_exists(word);
}
