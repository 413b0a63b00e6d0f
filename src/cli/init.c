/* hpx init: a first recipe. */
#include "cli.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "starter/starter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Never in the place of a file. */
static hpx_status write_new(const char *path, const hpx_buffer *text, hpx_error *error)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0 && errno == EEXIST)
        return hpx_error_set(error, HPX_USAGE, "%s is there already; it is left as it is", path);
    if (file < 0)
        return hpx_error_errno(error, "%s", path);
    const ssize_t put = write(file, text->data, text->size);
    hpx_status status = HPX_OK;
    if (put != (ssize_t)text->size)
        status = put < 0 ? hpx_error_errno(error, "%s", path)
                         : hpx_error_set(error, HPX_FAILED, "%s: cannot be written whole", path);
    if (close(file) != 0 && !status)
        status = hpx_error_errno(error, "%s", path);
    if (status)
        unlink(path);
    return status;
}

int hpx_run_init(const struct options *options)
{
    const char *folder = options->count > 0 ? options->arguments[0] : ".";
    hpx_starter starter;
    hpx_error error;
    hpx_status status = hpx_starter_make(&starter, folder, &error);
    if (status)
        return hpx_fail(&error);
    char *path = options->count > 0 ? hpx_path_join(folder, starter.name) : hpx_format("%s", starter.name);
    hpx_buffer text = {0};
    status = write_new(path, &starter.text, &error);
    if (!status && !options->quiet)
        hpx_buffer_printf(&text, "%s: %s\nNext: hpx plan %s\n", path, starter.about, path);
    const int code = status ? hpx_fail(&error) : hpx_print_result(&text);
    hpx_starter_free(&starter);
    free(path);
    return code;
}
