/* The tables of commands and of the other topics of help. What one does is told in help/NAME.txt: `hpx help NAME`
 * prints it, and the manual page is made of it. */
#include "cli.h"

#include <stdint.h>

// clang-format off
const struct command hpx_commands[] = {
    {"build", hpx_run_build, 1, SIZE_MAX, "RECIPE...",
     "run searches, training only what the store lacks"},
    {"plan", hpx_run_plan, 1, SIZE_MAX, "RECIPE...",
     "show what build would do, without training"},
    {"trial", hpx_run_trial, 1, SIZE_MAX, "RECIPE NAME=VALUE...",
     "run one trial, unless it is stored, and print its metrics"},
    {"replay", hpx_run_replay, 2, SIZE_MAX, "TABLE.csv RECIPE",
     "run a recipe's searches over a table"},
    {"compare", hpx_run_compare, 1, SIZE_MAX, "RECIPE[:SEARCH]... [NAME=VALUE]...",
     "compare the searches over results of several seeds, with statistics"},
    {"report", hpx_run_report, 1, SIZE_MAX, "RECIPE[:SEARCH] -o FILE [NAME=VALUE]...",
     "write a page with figures and tables of all that is stored"},
    {"best", hpx_run_best, 1, SIZE_MAX, "RECIPE[:SEARCH]",
     "list the best cells of all that is stored"},
    {"ls", hpx_run_ls, 0, SIZE_MAX, "[RECIPE]",
     "list stored results"},
    {"show", hpx_run_show, 1, 1, "KEY",
     "show all that is known of one result"},
    {"predict", hpx_run_predict, 2, 2, "KEY IMAGES",
     "say what a stored network answers for images"},
    {"audit", hpx_run_audit, 0, SIZE_MAX, "[RECIPE | KEY] | --patch CODE",
     "show which code, data and machine made each result"},
    {"why", hpx_run_why, 1, SIZE_MAX, "RECIPE NAME=VALUE...",
     "say why a trial is a hit or not"},
    {"log", hpx_run_log, 1, SIZE_MAX, "RECIPE NAME=VALUE...",
     "list one cell's results across code versions and machines"},
    {"diff", hpx_run_diff, 2, 2, "KEY KEY",
     "show what two results differ in"},
    {"reproduce", hpx_run_reproduce, 1, 1, "KEY",
     "train one result again and compare, bit for bit"},
    {"adopt", hpx_run_adopt, 0, 2, "[OLD [NEW]] | --forget NEW",
     "prove that edits changed no number: the trainer is equivalent to the one before"},
    {"data", hpx_run_data, 0, 2, "[ls | fetch NAME | verify NAME]",
     "list, fetch and verify data sets"},
    {"doctor", hpx_run_doctor, 1, SIZE_MAX, "RECIPE",
     "try a program: is its code declared, is it deterministic, does it continue"},
    {"verify", hpx_run_verify, 0, 0, "",
     "check every byte stored; train a sample again"},
    {"gc", hpx_run_gc, 0, SIZE_MAX, "[RECIPE]... | --pin KEY... | --unpin KEY...",
     "collect checkpoints that are not wanted"},
    {"forget", hpx_run_forget, 1, SIZE_MAX, "RECIPE... | KEY...",
     "take results out of the store"},
    {"export", hpx_run_export, 0, SIZE_MAX, "-o FILE [RECIPE | KEY | --all] | --csv [RECIPE] | --optuna FILE RECIPE | --checkpoint KEY DIR | --safetensors KEY FILE",
     "write results as a bundle, a table or a study"},
    {"import", hpx_run_import, 1, 1, "FILE",
     "take in a bundle that export wrote"},
    {"help", hpx_run_help, 0, 1, "[COMMAND | TOPIC]",
     "this list, or help for a command or another topic"},
    {"worker", hpx_run_worker, 0, 0, "",
     NULL},
    {.name = NULL},
};

const struct topic hpx_topics[] = {
    {"hpx", 1, "make for experiments"},
    {.name = NULL},
};
// clang-format on
