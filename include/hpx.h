/* hpx as a library: opens a store, runs recipes, reads results. For C11 and C++; docs/library.md has an example.
 *
 * Calls return a status. What went wrong stands in the caller's `error`, which may be NULL; where a call fails it has
 * written nothing to its other results but NULL, unless it says so. Nothing is printed, no call ends the process, and
 * signals, umask, environment, locale and working directory stay as they are. (Memory that has run out does end it, by
 * abort(), and so may a data file that is damaged while it is open.) Trials are trained by processes of the program `hpx`,
 * which must be installed (hpx_open_options).
 *
 * Threads: handles share nothing, so each thread may work with one of its own. Calls with one and the same handle take
 * turns. A process has a store open once: hpx_open refuses a second handle for it. While a recipe runs, the process may
 * not ignore SIGCHLD, nor wait for children that it has not started (waitpid(-1)).
 *
 * Texts are UTF-8 and end with NUL. What a call gives is the caller's to free with the function named beside it; all that
 * it points to goes with it. Later versions may add members at the end of structs: zero those that you fill. */
#ifndef HPX_H
#define HPX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hpx_status {
    HPX_OK = 0,
    HPX_FAILED,      /* something failed: input or output, a fetch, a trial */
    HPX_USAGE,       /* the call, the command line or the recipe is wrong */
    HPX_NOT_FOUND,   /* what was asked for does not exist */
    HPX_DAMAGED,     /* stored bytes do not match the hash stored with them */
    HPX_DIFFERS,     /* two different outputs for one key */
    HPX_INTERRUPTED, /* the caller asked to stop */
    HPX_NO_MEMORY,   /* a training needs more memory than can be had now */
} hpx_status;

#define HPX_ERROR_BYTES 16384 /* room for all the mistakes of a recipe */

/* The first line of `message` is whole in itself; further lines, if any, quote the place, and may tell of
 * other mistakes in the same way. No newline at the end. */
typedef struct hpx_error {
    hpx_status status;
    char message[HPX_ERROR_BYTES];
} hpx_error;

/* The version of this library: "0.1.0". */
const char *hpx_version(void);

/* --- a store ---------------------------------------------------------------------------------------------------------- */

typedef struct hpx_handle hpx_handle;

/* A line for people, of what is worth a word and is no error: stored bytes that are damaged, and so treated as missing. */
typedef void hpx_notice_fn(void *context, const char *text);

typedef struct hpx_open_options {
    int read_only; /* not 0: the store must exist, and hpx_run_recipe is refused */
    const char *
        data_folder; /* of fetched and unpacked data sets; NULL: $HPX_DATA, else data/ in the store's folder */
    const char *hpx;       /* the program that trains; NULL: $HPX_WORKER, else `hpx` on the PATH */
    hpx_notice_fn *notice; /* called by the thread that is in a call; NULL: nobody hears it */
    void *context;
} hpx_open_options;

/* Opens the store in `folder`, a path; makes it where there is none. `options` may be NULL: zeros. Paths that are relative begin
 * in the working directory that the process has now, wherever it goes later. HPX_NOT_FOUND: it is to
 * be read, and there is none. HPX_USAGE: this process has it open. HPX_FAILED: it cannot be opened, or written to, or was
 * written by a newer hpx. HPX_DAMAGED: its data file is truncated, or damaged in its structure, all of which is looked at. */
hpx_status hpx_open(hpx_handle **out, const char *folder, const hpx_open_options *options, hpx_error *error);

/* Results that were read stay. NULL is fine. */
void hpx_close(hpx_handle *handle);

/* --- a recipe --------------------------------------------------------------------------------------------------------- */

typedef struct hpx_recipe hpx_recipe;

/* Reads the recipe in the file `path` and checks all of it. `words` are `count` texts NAME=VALUE that amend it as on hpx's
 * command line ("epochs=3", "axis.n1=16 32"); NULL with 0. HPX_USAGE: the message has every mistake, with its place.
 * HPX_NOT_FOUND: there is no such file. The files that it names are looked for when it runs; if `path` is relative, in the
 * working directory of then. A recipe belongs to no store, and to one thread at a time. */
hpx_status hpx_read_recipe(hpx_recipe **out, const char *path, const char *const *words, size_t count,
                           hpx_error *error);
void hpx_free_recipe(hpx_recipe *recipe); /* NULL is fine */

/* --- running it ------------------------------------------------------------------------------------------------------- */

typedef enum hpx_news_kind {
    HPX_NEWS_STARTED, /* a trial */
    HPX_NEWS_EPOCH,   /* it has finished one, which is stored */
    HPX_NEWS_DONE,    /* it has its last epoch */
    HPX_NEWS_FAILED,  /* it has failed; `text` says why */
    HPX_NEWS_SAID,    /* anything else that is worth a line; `text` has it */
    HPX_NEWS_TICK,    /* nothing has happened for a fifth of a second */
} hpx_news_kind;

/* What happens while a recipe runs. Texts are borrowed during the call. */
typedef struct hpx_news {
    hpx_news_kind kind;
    const char *cell;       /* of the trial: "n1=128 n2=64"; NULL: it is about none */
    uint64_t seed;          /* of the trial */
    uint32_t epoch, epochs; /* the newest one finished, and the last one; 0: not known */
    double value;           /* the recipe's objective at `epoch`; NaN: not known */
    const char *text;       /* NULL: none */
    size_t done, running;   /* trials of this run: trained so far, in training */
    double seconds_left;    /* of what is known to be needed; NaN: unknown */
} hpx_news;

typedef void hpx_news_fn(void *context, const hpx_news *news);

typedef struct hpx_run_options {
    const char *const *searches; /* names of those to run; NULL: all of the recipe */
    size_t search_count;
    size_t jobs;    /* trials at once; 0: the processors that this process may use */
    int keep_going; /* not 0: a trial that ends by accident does not end the run */
    int fetch;      /* not 0: a known data set that is not there is fetched from the net */
    /* The run ends in order once this is not 0: a signal handler's sig_atomic_t, which is an int, or another thread's. It is
     * looked at about five times a second. NULL: nobody stops the run. */
    const volatile int *stop;
    hpx_news_fn *news; /* called by the thread that runs; it may not call with this handle; NULL: none */
    void *context;
} hpx_run_options;

/* An axis and a value on it. */
typedef struct hpx_coordinate {
    const char *axis, *value; /* "n1", "128": the value's one canonical text */
    double number;            /* of the value; NaN: it is a word */
} hpx_coordinate;

/* How a search came out. */
typedef struct hpx_search_run {
    const char *name, *method;
    int done; /* 0: the run ended before; then only `evaluations` and `seconds` say something */
    const hpx_coordinate *cell; /* where it ends: a value for each axis, in the recipe's order */
    size_t axis_count;
    double score,
        score_sd; /* of that cell: mean and standard deviation over its seeds; NaN: it failed, there is one seed */
    double difference;    /* by how much the best score among the searches is better, 0 or more */
    const char *stop;     /* why it ended: "peak", "fixpoint", "cycle", "complete" */
    size_t evaluations;   /* distinct cells and numbers of epochs that it has visited */
    double relative_cost; /* of the cells it has visited, as a share of the whole grid's */
    double seconds;       /* of training for it in this run */
} hpx_search_run;

/* Trials are counted once, whichever searches wanted them. */
typedef struct hpx_run_summary {
    const hpx_search_run *searches; /* in the order of the options, or of the recipe */
    size_t search_count;
    size_t stored, trained, extended; /* found; trained from the first epoch; continued from a checkpoint */
    size_t failed;                    /* of all these: a result, but for */
    size_t accidents; /* those that ended by accident, and are trained again by the next run */
} hpx_run_summary;

/* Runs the searches, training what the store lacks; returns when they are done. `options` may be NULL: zeros. *out is
 * given, also with an error, whenever the searches began. HPX_FAILED: a trial ended by accident, a file cannot be read or
 * the store not written to, or no `hpx` can be run. HPX_DIFFERS: a training gave another output than the one stored.
 * HPX_INTERRUPTED: `stop` was set. Every epoch that was finished is stored, whatever the status. */
hpx_status hpx_run_recipe(hpx_run_summary **out, hpx_handle *handle, const hpx_recipe *recipe,
                          const hpx_run_options *options, hpx_error *error);
void hpx_free_run(hpx_run_summary *run); /* NULL is fine */

/* --- reading results -------------------------------------------------------------------------------------------------- */

typedef struct hpx_metric {
    const char *name; /* "test_accuracy" */
    double value;     /* NaN: there is none, such as of a validation without samples */
} hpx_metric;

/* A stored result: a cell with a seed, after so many epochs. */
typedef struct hpx_trial {
    const char *key;            /* of its trajectory, 32 hexadecimal digits, as hpx's commands take it */
    const hpx_coordinate *cell; /* a value for each axis */
    size_t axis_count;
    uint64_t seed;
    uint32_t epoch;            /* of a trial that failed, or stopped by itself: the last one */
    const char *failure;       /* why it failed: then it has no metrics; NULL: it did not */
    const hpx_metric *metrics; /* in the order in which the trainer reports them */
    size_t metric_count;
    const char
        *code; /* code version of the trainer or program: a git tree id, 40 hexadecimal digits; "": lost */
    const char *commit; /* the commit of that code, 40 hexadecimal digits; "": unknown */
    const char *host;   /* where it was trained */
    int64_t started_ns; /* when the epoch began, since 1970 */
    double seconds;     /* of training, all epochs up to this one */
} hpx_trial;

typedef struct hpx_trials {
    const hpx_trial *list;
    size_t count;
} hpx_trials;

/* What is stored of the recipe's trials with its epochs, cell by cell and seed by seed, under the code and numerics that
 * would train them now; `recipe` NULL: the newest epoch of every trajectory in the store, by key. With `all_epochs` not 0
 * every stored epoch. Nothing is trained. Damaged results are left out, with a notice. */
hpx_status hpx_read_trials(hpx_trials **out, hpx_handle *handle, const hpx_recipe *recipe, int all_epochs,
                           hpx_error *error);
void hpx_free_trials(hpx_trials *trials); /* NULL is fine */

/* The metric of that name; NaN where there is none. */
double hpx_trial_metric(const hpx_trial *trial, const char *name);

/* The value on that axis; NULL where there is none. Borrowed from the trial. */
const char *hpx_trial_value(const hpx_trial *trial, const char *axis);

#ifdef __cplusplus
}
#endif

#endif
