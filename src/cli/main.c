/* The table of commands, and how one is run. */
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

static int run_help(const struct options *options);

// clang-format off
static const struct command commands[] = {
    {"build", hpx_run_build, 1, SIZE_MAX, "RECIPE...",
     "run searches, training only what the store lacks",
     "Runs the searches of each recipe, or those named, and prints a table (or a JSON document) per recipe.\n"
     "A trial that is stored is not trained again; one with fewer epochs is continued from its checkpoint.\n"
     "Processors that would idle train speculatively what a search is more likely than not to come to; what proves not\n"
     "to be needed is said, and its epochs stay in the store.\n"},
    {"plan", hpx_run_plan, 1, SIZE_MAX, "RECIPE...",
     "show what build would do, without training",
     "Makes the decisions of a build as far as they are possible without training, and prints the trials\n"
     "with their verdicts (hit, extend, train), cost and time.\n"},
    {"trial", hpx_run_trial, 1, SIZE_MAX, "RECIPE NAME=VALUE...",
     "run one trial, unless it is stored, and print its metrics",
     "Every axis gets a value, which need not be one of the recipe's, so that any outside optimiser can use the store.\n"
     "seed=N for another seed than the recipe's first, epochs=N for other epochs. With -n nothing is trained, and the\n"
     "exit code is 10 where the trial is not stored. A trial that has failed is exit code 1.\n"},
    {"replay", hpx_run_replay, 2, SIZE_MAX, "TABLE.csv RECIPE",
     "run a recipe's searches over a table",
     "Takes the scores from a CSV table (columns: the axes, the objective; optionally seed and epoch) and\n"
     "trains nothing.\n"},
    {"compare", hpx_run_compare, 1, SIZE_MAX, "RECIPE[:SEARCH]... [NAME=VALUE]...",
     "compare the searches over results of several seeds, with statistics",
     "Runs the recipe's searches over all seeds of a table, or of what is stored, as many seeds at a time as the recipe\n"
     "has: a block. Judges what each finds by the seeds that it has not seen: how much worse than the best cell it is\n"
     "(regret), by which cost, with intervals over the blocks, and whether it differs from a reference by more than\n"
     "noise. Needs every cell of the grid with all epochs; searches that ask for others are left out.\n"},
    {"report", hpx_run_report, 1, SIZE_MAX, "RECIPE[:SEARCH] -o FILE [NAME=VALUE]...",
     "write a page with figures and tables of all that is stored",
     "One HTML file that needs nothing else: maps of the grid, the path of each search, scores by axis, cost and epoch, a\n"
     "table of the cells, and which code and data they come from. A cell that is pointed at is shown in all figures. The\n"
     "searches go as far as what is stored decides; nothing is trained. The same store gives the same bytes.\n"},
    {"best", hpx_run_best, 1, SIZE_MAX, "RECIPE[:SEARCH]",
     "list the best cells of all that is stored",
     "Over the whole grid, or what a search visits, as far as it is stored with the recipe's epochs. A cell's score\n"
     "is the mean over the seeds that are stored. The ten best, unless --top says otherwise.\n"},
    {"ls", hpx_run_ls, 0, SIZE_MAX, "[RECIPE]",
     "list stored results",
     "Lists the newest epoch of every trajectory in the store, or the results of one recipe.\n"},
    {"show", hpx_run_show, 1, 1, "KEY",
     "show all that is known of one result",
     "A unique prefix of a key is enough. With --log, prints what the program printed.\n"},
    {"predict", hpx_run_predict, 2, 2, "KEY IMAGES",
     "say what a stored network answers for images",
     "IMAGES is an IDX file, plain or compressed by gzip, or - for standard input, with images of the size that the\n"
     "network was trained on. The network is that of the newest checkpoint of the result, as it is evaluated in training.\n"
     "Prints CSV, a row per image: its number from 0, the class with the greatest probability, then the probability of\n"
     "every class as p0, p1 ...; with --logits z0, z1 ... in their place.\n"},
    {"audit", hpx_run_audit, 0, SIZE_MAX, "[RECIPE | KEY] | --patch CODE",
     "show which code, data and machine made each result",
     "Without an argument for the newest epoch of every trajectory in the store. Below the table: the codes,\n"
     "which of them had uncommitted edits or commits that are lost, and whether codes or kernels are mixed.\n"},
    {"why", hpx_run_why, 1, SIZE_MAX, "RECIPE NAME=VALUE...",
     "say why a trial is a hit or not",
     "The verdict on one cell (seed=N for another seed than the recipe's first) and, unless it is stored, the\n"
     "stored result that is most like it, with every field of their manifests that differs.\n"},
    {"log", hpx_run_log, 1, SIZE_MAX, "RECIPE NAME=VALUE...",
     "list one cell's results across code versions and machines",
     "Oldest first, with commits and scores: all that differs from what this binary would train in code and\n"
     "numerics alone.\n"},
    {"diff", hpx_run_diff, 2, 2, "KEY KEY",
     "show what two results differ in",
     "Every field of their manifests, the trainer's files that changed between their code versions, and from\n"
     "which epoch on their outputs differ.\n"},
    {"reproduce", hpx_run_reproduce, 1, 1, "KEY",
     "train one result again and compare, bit for bit",
     "With this binary; its code and numerics may be others than those recorded. With --at-code the sources\n"
     "that are stored with the result are built in a temporary folder, with the recorded compiler flags, and\n"
     "that very hpx trains. Sources that came by an import are shown, as a patch of their commit, and built\n"
     "only with --trust. The result of a program is trained by the program's own code, which is stored with it, and\n"
     "its metrics are compared as its recipe says. Exit code 12 when an epoch differs, with the fields that do.\n"},
    {"adopt", hpx_run_adopt, 0, 2, "[OLD [NEW]] | --forget NEW",
     "prove that edits changed no number: the trainer is equivalent to the one before",
     "Trains a sample of the results of trainer OLD again with this binary, whose trainer is NEW, and compares\n"
     "every epoch, bit for bit: the cheapest ones with which every optimizer, activation and other way through\n"
     "the trainer that OLD's results have taken is taken, and then the cheapest up to N. If all are equal, OLD's\n"
     "results are hits for NEW from then on, and the other way round; audit and show say so, with the proof. Exit\n"
     "code 12 when one differs, and nothing is adopted. Without arguments: the adoptions of the store.\n"},
    {"data", hpx_run_data, 0, 2, "[ls | fetch NAME | verify NAME]",
     "list, fetch and verify data sets",
     "Known data sets live uncompressed in $HPX_DATA, else in data/ in the store's folder.\n"},
    {"doctor", hpx_run_doctor, 1, SIZE_MAX, "RECIPE",
     "try a program: is its code declared, is it deterministic, does it continue",
     "Runs the first trial of a program's recipe a few times, up to epoch 2, and stores nothing. A table says of each check\n"
     "whether it passes, fails or was not tried; below it stands what to do, with lines for the recipe:\n"
     "  declared       what it opens that the recipe does not name (by strace, where that is installed)\n"
     "  deterministic  whether two runs have the same metrics, or how far they are apart\n"
     "  continues      whether it goes on from a checkpoint as if it had not stopped\n"
     "  output         what hpx reads of its metrics, and what it does not\n"
     "NAME=VALUE words choose another trial, as in hpx trial. Exit code 1 when a check fails.\n"},
    {"verify", hpx_run_verify, 0, 0, "",
     "check every byte stored; train a sample again",
     "Exit code 11 and a line per fault when something is damaged, also the structure of the data file; 12\n"
     "when an output differs from a second one. --rebuild trains N % of the trajectories again that this\n"
     "binary, here, can train, and compares bit for bit.\n"},
    {"gc", hpx_run_gc, 0, SIZE_MAX, "[RECIPE]... | --pin KEY... | --unpin KEY...",
     "collect checkpoints that are not wanted",
     "Wanted are the newest checkpoint of every trajectory or, with recipes, of those that their cells and\n"
     "seeds name under this binary; and all checkpoints of pinned trajectories. Results are never collected.\n"
     "Every line says why, and what it costs to train the checkpoint again. With --max-size, further ones\n"
     "that are neither pinned nor named by a recipe go, the cheapest to train again for their size first.\n"
     "Snapshots of programs' code that nobody has used for a day go, too.\n"
     "-n prints the same and changes nothing.\n"},
    {"forget", hpx_run_forget, 1, SIZE_MAX, "RECIPE... | KEY...",
     "take results out of the store",
     "Takes out every stored epoch of one trajectory, or of the trials that a recipe's cells and seeds name under\n"
     "this binary, with their checkpoints, so that a build trains them anew. What is pinned or in training stays.\n"
     "On a terminal it asks before; -y does not. -n prints the same and changes nothing. The data file is no\n"
     "smaller afterwards: hpx gc --compact makes it so.\n"},
    {"export", hpx_run_export, 0, SIZE_MAX, "-o FILE [RECIPE | KEY | --all] | --csv [RECIPE] | --optuna FILE RECIPE | --checkpoint KEY DIR | --safetensors KEY FILE",
     "write results as a bundle, a table or a study",
     "With -o, writes a bundle for hpx import: every stored epoch of a recipe's trials, of one trajectory or\n"
     "of the whole store, with checkpoints. With --csv, prints a row per cell, seed and epoch, which replay\n"
     "reads. With --optuna, writes the journal of an Optuna study, a trial per cell. With --checkpoint, writes\n"
     "the files of a trajectory's newest checkpoint to a new folder. With --safetensors, writes a network's weights for\n"
     "other programs: tensors named as PyTorch's nn.Sequential names them, what is needed beside them as metadata.\n"},
    {"import", hpx_run_import, 1, 1, "FILE",
     "take in a bundle that export wrote",
     "FILE may be -, standard input. A bundle is checked to its last byte and taken in as a whole or not at\n"
     "all; importing it again changes nothing. Exit code 12 when it holds another output for a stored result.\n"},
    {"help", run_help, 0, 1, "[COMMAND]",
     "this list, or help for a command", ""},
    {"worker", hpx_run_worker, 0, 0, "",
     NULL, "Internal: trains the jobs that a build sends it.\n"},
    {.name = NULL},
};
// clang-format on

static void out_of_memory(size_t bytes)
{
    if (bytes > 0)
        hpx_say("out of memory (%zu bytes)", bytes);
    else
        hpx_say("out of memory");
    _exit(EXIT_FAILED);
}

static void print_fields(hpx_buffer *out, void list(hpx_fields *))
{
    hpx_fields fields = {0};
    if (list)
        list(&fields);
    for (size_t i = 0; i < fields.count; i++) {
        hpx_buffer_printf(out, "%s ", fields.fields[i].name);
        hpx_field_print(out, &fields.fields[i]);
        hpx_buffer_puts(out, "\n");
    }
    hpx_fields_free(&fields);
}

static int run_help(const struct options *options)
{
    return hpx_print_help(commands, options->count ? options->arguments[0] : NULL);
}

/* With -v also what else is part of a result's identity on this machine, and then what is not. */
static int print_version(bool verbose)
{
    hpx_buffer text = {0};
    char version[HPX_CODE_HEX_BYTES];
    const char *const *names = hpx_trainer_names();
    hpx_buffer_printf(&text, "hpx %s (%s", HPX_VERSION,
                      *hpx_code_built.describe ? hpx_code_built.describe : "no commit");
    for (const char *const *name = names; *name; name++) {
        hpx_hex(version, hpx_trainer_find(*name)->sources->version, HPX_CODE_BYTES);
        hpx_buffer_printf(&text, ", trainer %s%s%.8s", names[1] ? *name : "", names[1] ? " " : "", version);
    }
    hpx_buffer_puts(&text, ")\n");
    if (verbose) {
        for (const char *const *name = names; *name; name++) {
            print_fields(&text, hpx_trainer_find(*name)->numerics);
            print_fields(&text, hpx_trainer_find(*name)->machine);
        }
    }
    return hpx_print_result(&text);
}

static int run_command(int argc, char **argv)
{
    struct options options = {0};
    int used = 1;
    hpx_error error;
    for (const char *const *name = hpx_trainer_names(); *name; name++)
        if (hpx_trainer_find(*name)->check_environment &&
            hpx_trainer_find(*name)->check_environment(&error) != HPX_OK)
            return hpx_fail(&error);
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return print_version(argc > 2 && strcmp(argv[2], "-v") == 0);
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return hpx_print_help(commands, NULL);
    if (!hpx_read_options(&options, NULL, argc, argv, &used))
        return EXIT_USAGE;
    if (options.help)
        return hpx_print_help(commands, NULL);
    if (used == argc) {
        hpx_print_help(commands, NULL);
        return EXIT_USAGE;
    }
    const struct command *command = hpx_find_command(commands, argv[used]);
    if (!command)
        return EXIT_USAGE;
    if (!hpx_read_options(&options, command, argc - used, argv + used, &used))
        return EXIT_USAGE;
    return options.help ? hpx_print_help(commands, command->name) : command->run(&options);
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
    const int code = run_command(argc, argv);
    if (hpx_interrupted)
        hpx_die_of(hpx_interrupted);
    return code;
}
