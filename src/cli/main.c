/* The process, and how a command is run. */
#include "cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/code.h"
#include "hpx/trainer.h"
#include "hpx/version.h"
#include "report/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void out_of_memory(size_t bytes)
{
    if (bytes > 0)
        hpx_say("out of memory (%zu bytes)", bytes);
    else
        hpx_say("out of memory");
    _exit(EXIT_FAILED);
}

static void print_fields(hpx_buffer *out, hpx_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        hpx_buffer_printf(out, "%s ", fields->fields[i].name);
        hpx_field_print(out, &fields->fields[i]);
        hpx_buffer_puts(out, "\n");
    }
    hpx_fields_free(fields);
}

/* What all trainers share is said once. */
static void print_machine(hpx_buffer *out)
{
    hpx_fields numerics = {0}, machine = {0};
    for (const char *const *name = hpx_trainer_names(); *name; name++) {
        const hpx_trainer *trainer = hpx_trainer_find(*name);
        if (trainer->numerics)
            trainer->numerics(&numerics);
        if (trainer->machine)
            trainer->machine(&machine);
    }
    print_fields(out, &numerics);
    print_fields(out, &machine);
}

/* The code version of the first trainer stands as it did when there was no other, for those who read it. With -v also
 * what else is part of a result's identity on this machine, and then what is not. */
static int print_version(bool verbose)
{
    hpx_buffer text = {0};
    char version[HPX_CODE_HEX_BYTES];
    const char *const *names = hpx_trainer_names();
    hpx_buffer_printf(&text, "hpx %s (%s", HPX_VERSION,
                      *hpx_code_built.describe ? hpx_code_built.describe : "no commit");
    for (const char *const *name = names; *name; name++) {
        hpx_hex(version, hpx_trainer_find(*name)->sources->version, HPX_CODE_BYTES);
        hpx_buffer_printf(&text, ", %s %.8s", name == names ? "trainer" : *name, version);
    }
    hpx_buffer_puts(&text, ")\n");
    if (verbose)
        print_machine(&text);
    return hpx_print_result(&text);
}

/* `given`: the arguments as they are; those in argv are put into another order. */
static int run_command(int argc, char **argv, char **given)
{
    struct options options = {0};
    int used = 1;
    hpx_error error;
    const bool works = argc > 1 && strcmp(argv[1], "worker") == 0; /* it says so to its build */
    for (const char *const *name = hpx_trainer_names(); *name && !works; name++)
        if (hpx_trainer_find(*name)->check_environment &&
            hpx_trainer_find(*name)->check_environment(&error) != HPX_OK)
            return hpx_fail(&error);
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return print_version(argc > 2 && strcmp(argv[2], "-v") == 0);
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return hpx_print_help(NULL);
    if (!hpx_read_options(&options, NULL, argc, argv, &used))
        return EXIT_USAGE;
    if (options.help)
        return hpx_print_help(NULL);
    if (used == argc) {
        hpx_print_help(NULL);
        return EXIT_USAGE;
    }
    const struct command *command = hpx_find_command(argv[used]);
    if (!command)
        return EXIT_USAGE;
    if (!hpx_read_options(&options, command, argc - used, argv + used, &used))
        return EXIT_USAGE;
    if (options.progress == PROGRESS_JSON)
        hpx_say_in_json();
    if (options.kernel && !options.help &&
        (hpx_pin_kernel(options.kernel, given, &error) ||
         (hpx_trains_here(&options) && hpx_check_kernel(&error))))
        return hpx_fail(&error);
    return options.help ? hpx_print_help(command->name) : command->run(&options);
}

static void say_wait(const char *text)
{
    hpx_say("%s", text);
}

int main(int argc, char **argv)
{
    hpx_memory_on_failure(out_of_memory);
    hpx_prepare_process();
    hpx_table_set_width(hpx_terminal_columns(STDOUT_FILENO));
    hpx_store_on_wait(say_wait, &hpx_interrupted);
    char **given = hpx_alloc(((size_t)argc + 1) * sizeof *given);
    memcpy(given, argv, (size_t)argc * sizeof *given);
    const int code = run_command(argc, argv, given);
    free(given);
    if (hpx_interrupted)
        hpx_die_of(hpx_interrupted);
    return code;
}
