/* hpx import. */
#include "cli.h"

#include "store/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_BYTES (64u << 10)
#define TICK_MS     100

struct input {
    const char *name;
    int fd;
    size_t at, size; /* what of `bytes` is still to be handed on */
    uint8_t bytes[INPUT_BYTES];
};

/* Waits for more bytes; none: the end. An interrupt that comes just before it waits is seen at the next tick. */
static hpx_status fill(struct input *input, hpx_error *error)
{
    for (;;) {
        struct pollfd ready = {.fd = input->fd, .events = POLLIN};
        const int count = poll(&ready, 1, TICK_MS);
        if (hpx_interrupted)
            return hpx_error_set(error, HPX_INTERRUPTED, "interrupted; nothing was imported");
        if (count <= 0)
            continue;
        const ssize_t got = read(input->fd, input->bytes, sizeof input->bytes);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            return hpx_error_errno(error, "%s", input->name);
        input->at = 0;
        input->size = (size_t)got;
        return HPX_OK;
    }
}

static hpx_status input_read(void *context, void *bytes, size_t size, size_t *got, hpx_error *error)
{
    struct input *input = context;
    hpx_status status = input->at < input->size ? HPX_OK : fill(input, error);
    if (status)
        return status;
    *got = size < input->size - input->at ? size : input->size - input->at;
    memcpy(bytes, input->bytes + input->at, *got);
    input->at += *got;
    return HPX_OK;
}

int hpx_run_import(const struct options *options)
{
    const char *path = options->arguments[0];
    bool standard = strcmp(path, "-") == 0;
    struct input input = {.name = standard ? "standard input" : path};
    input.fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (input.fd < 0) {
        hpx_say("%s: %s", path, strerror(errno));
        return EXIT_FAILED;
    }
    char *folder = hpx_store_folder(options, ".");
    hpx_store *store;
    hpx_imported done;
    hpx_error error;
    hpx_buffer text = {0};
    hpx_catch_interrupts();
    hpx_status status = hpx_open_store(&store, options, folder, HPX_STORE_WRITE, &error);
    if (!status)
        status = hpx_bundle_read(&done, store, input.name, NULL, input_read, &input, &error);
    if (!status && options->json)
        hpx_report_imported_json(&text, &done);
    else if (!status)
        hpx_report_imported(&text, &done);
    int code = status ? hpx_fail(&error) : hpx_print_result(&text);
    hpx_store_close(store);
    free(folder);
    if (!standard)
        close(input.fd);
    return code;
}
