/* hpx show. */
#include "cli.h"

static hpx_status show(hpx_buffer *text, hpx_store *store, const struct options *options, hpx_error *error)
{
    hpx_trajectory shown;
    hpx_status status = hpx_trajectory_read(&shown, store, options->arguments[0], error);
    if (!status && options->json)
        hpx_report_show_json(text, &shown);
    else if (!status)
        hpx_report_show(text, &shown);
    hpx_trajectory_free(&shown);
    return status;
}

int hpx_run_show(const struct options *options)
{
    return hpx_print_from_store(options, show, hpx_print_result);
}
