/* hpx replay. */
#include "cli.h"

#include <stdlib.h>

int run_replay(const struct options *options)
{
    struct target *targets;
    size_t count;
    hpx_error error;
    hpx_status status = open_targets(&targets, &count, options->arguments + 1, 1, &error);
    if (status)
        return fail(&error);
    char *folder = store_folder(options, targets[0].path), *data = data_folder(folder);
    hpx_source_options source = {.folder = data};
    hpx_outcome *outcome;
    hpx_buffer text = {0};
    int code;
    status = hpx_replay(&outcome, targets[0].recipe, targets[0].searches, targets[0].count, &source,
                        options->arguments[0], &error);
    if (status == HPX_NOT_FOUND)
        hpx_error_set(&error, HPX_USAGE, "%s", error.message);
    if (status) {
        code = fail(&error);
    } else {
        if (options->json)
            hpx_report_outcome_json(&text, outcome);
        else
            hpx_report_outcome(&text, outcome);
        code = print_result(&text);
        code = code ? code : check_searches(outcome);
    }
    hpx_outcome_free(outcome);
    free(data);
    free(folder);
    free_targets(targets, count);
    return code;
}
