/* hpx diff. */
#include "cli.h"

#include "hpx/code.h"

#include <stdlib.h>

static hpx_status diff(hpx_buffer *text, hpx_store *store, char *const *keys, bool json, hpx_error *error)
{
    hpx_shown a = {0}, b = {0};
    hpx_code_change change = {0};
    hpx_error unknown;
    hpx_status status = read_shown(&a, store, keys[0], error);
    if (!status)
        status = read_shown(&b, store, keys[1], error);
    if (!status) {
        /* Without the repository the differences are still all there, only not explained. */
        const bool known = hpx_code_compare(&change, hpx_code_built.root, hpx_code_built.sources,
                                            &a.newest.code, &b.newest.code, &unknown) == HPX_OK;
        if (json)
            hpx_report_diff_json(text, &a, &b, known ? &change : NULL);
        else
            hpx_report_diff(text, &a, &b, known ? &change : NULL);
    }
    hpx_code_change_free(&change);
    free_shown(&a);
    free_shown(&b);
    return status;
}

int run_diff(const struct options *options)
{
    char *folder = store_folder(options, ".");
    hpx_store *store;
    hpx_error error;
    hpx_buffer text = {0};
    hpx_status status = open_store(&store, folder, HPX_STORE_READ, &error);
    if (!status)
        status = diff(&text, store, options->arguments, options->json, &error);
    int code = status ? fail(&error) : print_result(&text);
    hpx_store_close(store);
    free(folder);
    return code;
}
