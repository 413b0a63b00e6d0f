/* hpx diff. */
#include "cli.h"

#include "identity/difference.h"

static hpx_status diff(hpx_buffer *text, hpx_store *store, const struct options *options, hpx_error *error)
{
    hpx_trajectory a = {0}, b = {0};
    hpx_code_change change = {0};
    hpx_status status = hpx_trajectory_read(&a, store, options->arguments[0], error);
    if (!status)
        status = hpx_trajectory_read(&b, store, options->arguments[1], error);
    if (!status) {
        /* Without the repository the differences are still all there, only not explained. */
        const bool known =
            hpx_difference_of_code(&change, &a.newest.manifest, &a.newest.code, &b.newest.code);
        if (options->json)
            hpx_report_diff_json(text, &a, &b, known ? &change : NULL);
        else
            hpx_report_diff(text, &a, &b, known ? &change : NULL);
    }
    hpx_code_change_free(&change);
    hpx_trajectory_free(&a);
    hpx_trajectory_free(&b);
    return status;
}

int hpx_run_diff(const struct options *options)
{
    return hpx_print_from_store(options, diff, hpx_print_result);
}
