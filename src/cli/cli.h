/* The command line: one file per command, and what they share. The only place that prints and exits. */
#ifndef HPX_CLI_H
#define HPX_CLI_H

#include "hpx/build.h"
#include "hpx/store.h"
#include "report/report.h"
#include "report/results.h"
#include "report/spark.h"
#include "run/stored.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_WORK_REMAINS = 10,
    EXIT_DAMAGED = 11,
    EXIT_DIFFERS = 12,
};

#define WHERE_MAX 16

struct command;

/* AUTO: drawn on a terminal, else lines. */
enum progress_way { PROGRESS_AUTO, PROGRESS_LINES, PROGRESS_JSON };

struct options {
    const struct command *command; /* that is run; NULL: none yet */
    const char *store, *output, *patch;
    const char *optuna;                   /* export */
    const char *forget, *reason;          /* adopt */
    const char *table, *against, *starts; /* compare */
    const char *compared;                 /* report */
    bool watch;                           /* report */
    char *figures;                        /* report */
    size_t repeat;                        /* compare; 0: not given */
    size_t sample;                        /* adopt; 0: not given */
    size_t jobs;                          /* 0: not given */
    const char *where[WHERE_MAX];         /* of the selection */
    hpx_selection selection;              /* ls, best */
    bool metrics, epochs;                 /* ls, best: all metrics; ls: all epochs */
    double rebuild;                       /* percent; 0: not given */
    const char *signer;                   /* verify */
    bool keep_going, dry, yes, again, no_speculate, require_clean, quiet, verbose, json, csv, exit_code, help;
    const char *executor; /* build; NULL: what the user's configuration says */
    const char *kernel;   /* what trials are computed with; NULL: what the machine has */
    const char *remote;   /* build; NULL: what HPX_REMOTE, or the configuration, says */
    bool push, push_all;  /* build */
    char *const *sbatch;  /* with it: the words behind --, NULL at the end; NULL: none */
    bool at_code, trust;  /* reproduce */
    bool all, no_checkpoints, logs, checkpoint; /* export */
    enum progress_way progress;                 /* build, trial */
    bool safetensors;                           /* export */
    bool log, curve;                            /* show */
    bool logits;                                /* predict */
    bool check;                                 /* fmt */
    bool compact, pin, unpin, limited;          /* gc */
    uint64_t bytes_max;                         /* when limited */
    char **arguments;                           /* what is not an option */
    size_t count;
};

/* commands.c: the tables, each of which ends with a row without a name. */
struct command {
    const char *name;
    int (*run)(const struct options *options);
    size_t arguments_min, arguments_max;
    const char *usage, *summary; /* NULL: internal, shown in no list */
};
extern const struct command hpx_commands[];

/* What help knows beside commands, each a manual page of its section. */
struct topic {
    const char *name;
    int section;
    const char *summary;
};
extern const struct topic hpx_topics[];

int hpx_run_build(const struct options *options);
int hpx_run_plan(const struct options *options);
int hpx_run_watch(const struct options *options);
int hpx_run_trial(const struct options *options);
int hpx_run_replay(const struct options *options);
int hpx_run_compare(const struct options *options);
int hpx_run_report(const struct options *options);
int hpx_run_ls(const struct options *options);
int hpx_run_best(const struct options *options);
int hpx_run_show(const struct options *options);
int hpx_run_predict(const struct options *options);
int hpx_run_audit(const struct options *options);
int hpx_run_why(const struct options *options);
int hpx_run_log(const struct options *options);
int hpx_run_diff(const struct options *options);
int hpx_run_reproduce(const struct options *options);
int hpx_run_adopt(const struct options *options);
int hpx_run_data(const struct options *options);
int hpx_run_doctor(const struct options *options);
int hpx_run_verify(const struct options *options);
int hpx_run_forget(const struct options *options);
int hpx_run_key(const struct options *options);
int hpx_run_gc(const struct options *options);
int hpx_run_export(const struct options *options);
int hpx_run_import(const struct options *options);
int hpx_run_help(const struct options *options);
int hpx_run_init(const struct options *options);
int hpx_run_check(const struct options *options);
int hpx_run_fmt(const struct options *options);
int hpx_run_complete(const struct options *options);
int hpx_run_worker(const struct options *options);

/* help.c */
const struct command *hpx_find_command(const char *name); /* NULL after saying so */
int hpx_print_help(const char *name); /* of a command or topic; NULL: the list of them; the exit code */

/* options.c: reads options and arguments behind the command's name, or the global ones before it (command
 * NULL; then *used says where it stopped). False after saying what is wrong. */
bool hpx_read_options(struct options *out, const struct command *command, int argc, char **argv, int *used);
/* An option as it is written, and what it does. */
struct option {
    char letter;                 /* of its short form; 0: it has none */
    const char *name, *argument; /* NULL: it takes none */
    const char *help;
};
typedef void option_fn(void *context, const struct option *option);
/* The options that a command takes; those that every command takes, where `command` is NULL. */
void hpx_each_option(const struct command *command, option_fn *each, void *context);
char *hpx_usage_of(const struct command *command); /* "hpx build [OPTION]... RECIPE[:SEARCH]..."; free() it */

/* say.c */
int hpx_fail(const hpx_error *error); /* prints it; the exit code for it */
void hpx_say(const char *format, ...) __attribute__((format(printf, 1, 2))); /* "hpx: ..." to stderr */
/* Whatever people may read goes through here: with escapes for what is not visible (base/text.h), but line
 * ends and tabs. */
void hpx_show_text(const char *text); /* to stderr */
/* From now on what hpx_say and hpx_fail say is a JSON object on a line, too. */
void hpx_say_in_json(void);
void hpx_put_lines(hpx_buffer *lines); /* such ones, to stderr; leaves it empty */

/* common.c */
int hpx_print_result(hpx_buffer *text); /* to stdout, and frees it; the exit code */
/* The sink of a long result, the rest of which hpx_print_result prints. */
void hpx_pass_on(const void *bytes, size_t size);
int hpx_print_bytes(hpx_buffer *text); /* likewise, but as it is unless stdout is a terminal: for files */
int hpx_write_output(const char *path, hpx_buffer *text); /* likewise, to a file; "-": as hpx_print_bytes */
void hpx_warn_if_stale(void);
void hpx_warn_without_code(const hpx_recipe *recipe); /* a program whose files are no part of its identity */

/* The store's folder: --store, $HPX_STORE, cache/ at the root of the work tree that holds `anchor` (a folder,
 * or a recipe as on the command line), ./cache. free() it. */
char *hpx_store_folder(const struct options *options, const char *anchor);
char *hpx_recipe_path(const char *argument); /* RECIPE of RECIPE[:SEARCH]; free() it */
/* Likewise; *search is SEARCH, or NULL where there is none. */
char *hpx_split_target(const char *argument, const char **search);
/* Where fetched data sets are: $HPX_DATA, else data/ in the store's folder. free() it. */
char *hpx_data_folder(const char *store);
/* Opens the store. Damage found in it is reported. WRITE makes it where there is none, and says so. READ:
 * *out is NULL, with HPX_OK, where there is none; but a folder given with --store must have one. */
hpx_status hpx_open_store(hpx_store **out, const struct options *options, const char *folder,
                          hpx_store_mode mode, hpx_error *error);
/* Never makes one: *out is NULL, with HPX_OK, where there is none. */
hpx_status hpx_open_existing(hpx_store **out, const struct options *options, const char *folder,
                             hpx_store_mode mode, hpx_error *error);
/* The folder alone, hidden from git if it is a work tree's cache/. */
hpx_status hpx_make_store_folder(const char *folder, hpx_error *error);

/* Opens the store for reading (NULL where there is none), lets `add` put the result together, prints it by
 * hpx_print_result or hpx_print_bytes, or writes it to the file of -o; the exit code. */
typedef hpx_status result_fn(hpx_buffer *text, hpx_store *store, const struct options *options,
                             hpx_error *error);
int hpx_print_from_store(const struct options *options, result_fn *add, int (*print)(hpx_buffer *text));

/* target.c: RECIPE[:SEARCH], amended by NAME=VALUE words as a file that includes it would. */
struct target {
    char *path;
    hpx_recipe *recipe;
    const hpx_recipe_search **searches; /* those named, or all */
    size_t count;
    bool named; /* not all searches are meant */
};
bool hpx_amends(const char *word); /* whether it is NAME=VALUE, where NAME is no path */
/* The first word is the recipe, the others amend it. `cell`: words that do not, name a cell; they are left
 * behind the first word, and *count counts both. */
hpx_status hpx_open_target(struct target *out, char **words, size_t *count, bool cell, hpx_error *error);
/* The same, for one trial: axis values, "seed", and what else amends a recipe. HPX_USAGE where an axis is left that has
 * several values. */
hpx_status hpx_open_trial(struct target *out, char **words, size_t count, hpx_error *error);
void hpx_free_target(struct target *target);
/* HPX_USAGE, with the one beside it that may be meant. */
hpx_status hpx_no_such_recipe(const char *path, hpx_error *error);
/* RECIPE[:SEARCH]... grouped by recipe, all of them amended. */
hpx_status hpx_open_targets(struct target **out, size_t *count, char *const *arguments, size_t argument_count,
                            hpx_error *error);
void hpx_free_targets(struct target *targets, size_t count);
/* Whether all recipes use the store in `folder`; says which one does not. */
bool hpx_have_one_store(const struct options *options, const struct target *targets, size_t count,
                        const char *folder);
hpx_status hpx_need_searches(const struct target *targets, size_t count, hpx_error *error);

/* build.c: hpx_build of a target with what the options say, its progress shown. */
hpx_status hpx_build_target(hpx_outcome **out, const struct target *target, hpx_store *store,
                            const char *data, const struct options *options, hpx_error *error);

/* Whether an argument that may be a recipe or a key is a key. */
bool hpx_is_key(const char *word);

/* export_bundle.c, export_checkpoint.c, export_optuna.c, export_network.c: export without --csv. */
int hpx_export_bundle(const struct options *options);
bool hpx_has_bundle_options(const struct options *options); /* those that nothing else takes */
int hpx_export_checkpoint(const struct options *options);
int hpx_export_optuna(const struct options *options);
int hpx_export_network(const struct options *options);

/* target.c: hpx_stored_each, of what a target names: where searches are named, of the cells that they visit. */
hpx_status hpx_each_stored(hpx_store *store, const struct target *target, const char *data, bool all_epochs,
                           hpx_artifact_fn *each, void *context, hpx_error *error);

/* forget.c: what goes is listed before anybody is asked; in JSON, what went. The exit codes. */
int hpx_show_going(const struct options *options, const hpx_forget_list *list);
bool hpx_is_meant_to_go(const struct options *options, const hpx_forget_list *list); /* not with -n */
int hpx_forget_listed(const struct options *options, hpx_store *store, hpx_forget_list *list, bool meant);

/* key.c: a key that is trusted under this name, or any as text. HPX_USAGE if it is neither. */
hpx_status hpx_find_signer(hpx_signer *out, const char *name, hpx_error *error);

/* Says which searches have met nothing but failed cells; the exit code. */
int hpx_check_searches(const hpx_outcome *outcome);

/* reproduce.c: prints how a trajectory came out when it was trained again; the exit code. */
int hpx_print_reproduced(const struct options *options, const hpx_reproduced *reproduced);

const char *hpx_worker_program(void); /* this binary */

/* Trials at once: -j, or the processors; fewer, and it says so, where there is no room for so many
 * workers. */
size_t hpx_jobs_of(const struct options *options);

/* process.c: makes the process fit for work; the first call of main. From then on damage that LMDB crashes
 * over ends the process with a line and EXIT_DAMAGED. */
void hpx_prepare_process(void);

/* HPX_REMOTE_TOKEN, which is taken out of the environment; NULL: there is none. */
extern char *hpx_remote_token;

/* From now on the first SIGINT, SIGTERM or SIGHUP is noted here, by its number, for the command to end in
 * order; main ends the process by it. One that comes later than the same request can ends the process at
 * once. Calls that wait are not restarted. */
extern volatile sig_atomic_t hpx_interrupted;
void hpx_catch_interrupts(void);

void hpx_die_of(int number) __attribute__((noreturn)); /* ends the process by a signal */
void hpx_die_of_broken_pipe(
    void); /* as others do whose reader has gone; returns when the user ignores SIGPIPE */

/* terminal.c */
size_t hpx_terminal_columns(int fd);    /* SIZE_MAX: it is none */
bool hpx_terminal_is_able(int fd);      /* it is one that can be drawn on */
hpx_screen hpx_terminal_screen(int fd); /* as it is now */
/* A frame on stderr, which the next one replaces: lines with "\n" between them, none longer than the screen is wide. */
void hpx_terminal_watch(void); /* before the first: for Ctrl-Z, and changes of size */
void hpx_terminal_draw(const char *lines);
void hpx_terminal_clear(void);   /* takes it away, for a message; in a handler of signals, too */
bool hpx_terminal_is_ours(void); /* nobody else has the terminal, as the shell has while hpx runs behind it */
extern volatile sig_atomic_t hpx_terminal_changed; /* since the last frame */

/* curve.c */
bool hpx_shows_curves(const struct options *options); /* tables are for a terminal, with sparklines */
/* The epochs of a trajectory as a sparkline; empty where there is one. free() it. */
hpx_status hpx_curve_of(char **out, hpx_store *store, const hpx_hash *key, const hpx_objective *objective,
                        hpx_error *error);

/* config.c: what the user's configuration says under a name, and in which line ("FILE:LINE"); NULL: nothing. free() them.
 * HPX_USAGE for a line that is none. */
hpx_status hpx_config_find(char **value, char **place, const char *name, hpx_error *error);

/* shared.c: the store that others share, for a build that may write to this one; NULL: there is none. */
struct hpx_shared;
hpx_status hpx_open_shared(struct hpx_shared **out, const struct options *options, hpx_store *store,
                           hpx_error *error);

/* kernel.c */
/* Has the program run anew, with this kernel in its environment, unless it is there. HPX_FAILED: it cannot. */
hpx_status hpx_pin_kernel(const char *kernel, char **arguments, hpx_error *error);
/* That of the environment, as part of a file's name: empty, or "avx2", "plain.Haswell". free() it. */
char *hpx_kernel_pinned(void);
/* HPX_USAGE when this machine has not what the environment asks for. */
hpx_status hpx_check_kernel(hpx_error *error);

/* where.c. Where a build trains. */
struct where {
    bool elsewhere;      /* through Slurm */
    char **words;        /* of the configuration, NULL at the end */
    char *const *sbatch; /* its options; NULL: none */
    char *pool, *program;
    char *numerics; /* the file of those that its workers had last (hpx_source_options) */
};

hpx_status hpx_find_where(struct where *out, const struct target *target, const struct options *options,
                          hpx_error *error); /* hpx_where_free, also when it fails */
void hpx_where_free(struct where *where);
bool hpx_trains_here(const struct options *options);
/* The file of the numerics that the results of builds have, where the configuration says that these train elsewhere; NULL: here.
 * Of what is asked for by keys that are those of a build. */
const char *hpx_elsewhere(void);
struct hpx_launcher *hpx_where_launcher(const struct where *where, const hpx_recipe *recipe); /* NULL: here */
/* Appends what would be submitted. */
void hpx_where_describe(hpx_buffer *out, const struct where *where, const hpx_recipe *recipe, size_t workers);

/* progress.c: what goes on. */
struct progress;
struct progress *hpx_progress_new(const struct options *options,
                                  const struct target *target); /* NULL: of none */
void hpx_progress_free(struct progress *progress);              /* clears what is drawn */
void hpx_progress_end(struct progress *progress, const hpx_outcome *outcome, hpx_status status);
void hpx_progress_event(void *context, const hpx_event *event);
bool hpx_progress_fetch(void *context, const char *file, const char *from, uint64_t done, uint64_t total);

#endif
