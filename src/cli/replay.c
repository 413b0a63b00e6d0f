/* hpx replay. */
#include "cli.h"

#include <stdlib.h>

int hpx_run_replay(const struct options *options)
{
    struct target target;
    size_t count = options->count - 1;
    hpx_error error;
    hpx_status status = hpx_open_target(&target, options->arguments + 1, &count, false, &error);
    if (!status && (status = hpx_need_searches(&target, 1, &error)))
        hpx_free_target(&target);
    if (status)
        return hpx_fail(&error);
    char *folder = hpx_store_folder(options, target.path), *data = hpx_data_folder(folder);
    hpx_source_options source = {.folder = data};
    hpx_outcome *outcome;
    hpx_buffer text = {0};
    int code;
    status = hpx_replay(&outcome, target.recipe, target.searches, target.count, &source,
                        options->arguments[0], &error);
    if (status == HPX_NOT_FOUND)
        hpx_error_set(&error, HPX_USAGE, "%s", error.message);
    if (status) {
        code = hpx_fail(&error);
    } else {
        if (options->json)
            hpx_report_outcome_json(&text, outcome);
        else
            hpx_report_outcome(&text, outcome);
        code = hpx_print_result(&text);
        code = code ? code : hpx_check_searches(outcome);
    }
    hpx_outcome_free(outcome);
    free(data);
    free(folder);
    hpx_free_target(&target);
    return code;
}
