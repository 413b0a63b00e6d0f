/* hpx show. */
#include "cli.h"

#include "base/text.h"

#include <unistd.h>

static hpx_status show(hpx_buffer *text, hpx_store *store, const struct options *options, hpx_error *error)
{
    hpx_trajectory shown;
    const hpx_screen screen = hpx_terminal_screen(STDOUT_FILENO);
    hpx_status status = hpx_trajectory_read(&shown, store, options->arguments[0], error);
    if (!status && options->json)
        hpx_report_show_json(text, &shown);
    else if (!status)
        hpx_report_show(text, &shown, isatty(STDOUT_FILENO) ? &screen : NULL);
    hpx_trajectory_free(&shown);
    return status;
}

static hpx_status show_curves(hpx_buffer *text, hpx_store *store, const struct options *options,
                              hpx_error *error)
{
    hpx_trajectory shown;
    const hpx_screen screen = hpx_terminal_screen(STDOUT_FILENO);
    hpx_status status = hpx_trajectory_read(&shown, store, options->arguments[0], error);
    if (!status)
        hpx_report_curves(text, &shown, &screen);
    if (!status && text->size == 0)
        status =
            hpx_error_set(error, HPX_NOT_FOUND, "%s: none of its epochs has metrics", options->arguments[0]);
    hpx_trajectory_free(&shown);
    return status;
}

/* What its runs said, each under the epochs that it trained where there are several. */
static hpx_status show_log(hpx_buffer *text, hpx_store *store, const struct options *options,
                           hpx_error *error)
{
    hpx_trajectory shown;
    size_t count = 0;
    hpx_buffer log = {0};
    hpx_status status = hpx_trajectory_read(&shown, store, options->arguments[0], error);
    for (size_t i = 0; i < shown.count && !status; i++) {
        const hpx_artifact *last = &shown.artifacts[i];
        log.size = 0;
        status = hpx_store_get_log(&log, store, &last->key, last->epoch, error);
        if (status == HPX_NOT_FOUND) {
            status = HPX_OK;
            continue;
        }
        if (count++ > 0 || last->parent > 0)
            hpx_buffer_printf(text, "--- from epoch %u to %u\n", last->parent + 1, last->epoch);
        hpx_text_show(text, log.data, log.size, "\n\t");
        if (log.size > 0 && log.data[log.size - 1] != '\n')
            hpx_buffer_puts(text, "\n");
    }
    if (!status && count == 0)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: no log is stored of it", options->arguments[0]);
    hpx_buffer_free(&log);
    hpx_trajectory_free(&shown);
    return status;
}

int hpx_run_show(const struct options *options)
{
    if ((options->log || options->curve) && options->json) {
        hpx_say("show: %s prints text, not JSON", options->log ? "--log" : "--curve");
        return EXIT_USAGE;
    }
    if (options->log && options->curve) {
        hpx_say("show: --log or --curve, not both");
        return EXIT_USAGE;
    }
    return hpx_print_from_store(options,
                                options->log     ? show_log
                                : options->curve ? show_curves
                                                 : show,
                                hpx_print_result);
}
