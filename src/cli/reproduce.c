/* hpx reproduce: one result trained again, by this binary or by the very code that made it. */
#include "cli.h"

#include "upkeep/reproduce.h"

#include <stdlib.h>

int hpx_print_reproduced(const struct options *options, const hpx_reproduced *reproduced)
{
    hpx_buffer text = {0};
    if (options->json)
        hpx_report_reproduced_json(&text, reproduced);
    else
        hpx_report_reproduced(&text, reproduced);
    const int printed = hpx_print_result(&text);
    return printed ? printed : reproduced->rebuilt.verdict == HPX_REBUILD_SAME ? EXIT_DONE : EXIT_DIFFERS;
}

int hpx_run_reproduce(const struct options *options)
{
    char *folder = hpx_store_folder(options, "."), *data = hpx_data_folder(folder);
    const hpx_reproduce_options reproduce = {
        .program = hpx_worker_program(),
        .at_code = options->at_code,
        .trust = options->trust,
        .folder = data,
        .interrupted = &hpx_interrupted,
    };
    hpx_reproduced reproduced = {.at_code = false};
    hpx_store *store;
    hpx_error error;
    hpx_catch_interrupts();
    /* A second output is kept where that is possible. */
    hpx_status status = hpx_open_existing(&store, options, folder, HPX_STORE_WRITE_OR_READ, &error);
    if (!status)
        status = hpx_reproduce(&reproduced, store, options->arguments[0], &reproduce, &error);
    hpx_show_text(hpx_buffer_text(&reproduced.untrusted));
    int code = status ? hpx_fail(&error) : hpx_print_reproduced(options, &reproduced);
    hpx_reproduced_free(&reproduced);
    hpx_store_close(store);
    free(data);
    free(folder);
    return code;
}
