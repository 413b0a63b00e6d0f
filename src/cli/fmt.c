/* hpx fmt: recipes in the usual layout. */
#include "cli.h"

#include "hpx/file.h"

#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)16 << 20) /* a recipe has less: what is larger is told of as one */

static hpx_status read_recipe(hpx_buffer *out, const char *path, hpx_error *error)
{
    const hpx_status status = hpx_path_is_stream(path) ? hpx_stream_read(out, path, FILE_BYTES_MAX, error)
                                                       : hpx_file_read(out, path, FILE_BYTES_MAX, error);
    return status == HPX_NOT_FOUND ? hpx_no_such_recipe(path, error) : status;
}

static hpx_status write_recipe(const char *path, const hpx_buffer *text, hpx_error *error)
{
    if (access(path, W_OK) != 0) /* a new file would take its place all the same */
        return hpx_error_errno(error, "%s", path);
    return hpx_file_write(path, text->data, text->size, error);
}

static bool same(const hpx_buffer *a, const hpx_buffer *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Formats one file and names it on `out` if that changes it; a stream is no file to be changed, and goes there. */
static hpx_status format(hpx_buffer *out, bool *changed, const char *path, bool only_look, hpx_error *error)
{
    const bool stream = hpx_path_is_stream(path);
    hpx_buffer before = {0}, after = {0};
    hpx_status status = read_recipe(&before, path, error);
    if (!status)
        status = hpx_recipe_format(&after, path, before.data, before.size, error);
    const bool differs = !status && !same(&before, &after);
    if (!status && stream && !only_look)
        hpx_buffer_add(out, after.data, after.size);
    else if (differs && !only_look)
        status = write_recipe(path, &after, error);
    if (differs && !status && (!stream || only_look))
        hpx_buffer_printf(out, "%s\n", path);
    *changed |= differs;
    hpx_buffer_free(&before);
    hpx_buffer_free(&after);
    return status;
}

int hpx_run_fmt(const struct options *options)
{
    const bool only_look = options->check || options->dry;
    hpx_buffer text = {0};
    bool changed = false;
    int code = EXIT_DONE;
    for (size_t i = 0; i < options->count; i++) {
        hpx_error error;
        if (format(&text, &changed, options->arguments[i], only_look, &error) != HPX_OK) {
            const int failed = hpx_fail(&error);
            code = failed > code ? failed : code;
        }
    }
    const int printed = hpx_print_bytes(&text);
    if (code == EXIT_DONE)
        code = printed;
    return code == EXIT_DONE && only_look && changed ? EXIT_FAILED : code;
}
