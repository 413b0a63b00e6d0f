/* From what is known to text: tables for people, JSON and CSV for scripts. Appends to a buffer; reads and
 * writes nothing else. */
#ifndef HPX_REPORT_H
#define HPX_REPORT_H

#include "compare/compare.h"
#include "hpx/buffer.h"
#include "hpx/code.h"
#include "hpx/fields.h"
#include "hpx/outcome.h"
#include "hpx/store.h"
#include "identity/provenance.h"
#include "identity/trained.h"
#include "identity/why.h"
#include "remote/keys.h"
#include "report/rows.h"
#include "report/spark.h"
#include "store/bundle.h"
#include "store/check.h"
#include "upkeep/adopt.h"
#include "upkeep/doctor.h"
#include "upkeep/forget.h"
#include "upkeep/gc.h"
#include "upkeep/rebuild.h"
#include "upkeep/reproduce.h"
#include "upkeep/signed.h"

#include <stdbool.h>

/* The table of a build or a replay: a row per search. */
void hpx_report_outcome(hpx_buffer *out, const hpx_outcome *outcome);
/* One JSON document. */
void hpx_report_outcome_json(hpx_buffer *out, const hpx_outcome *outcome);
/* The name and the values of an axis, as members of an open object. */
void hpx_report_axis_json(hpx_json *json, const hpx_axis *axis);

/* `trial`: its metrics, a line each; or all that is known of it, `result` NULL where it has none. */
void hpx_report_trial(hpx_buffer *out, const hpx_artifact *result);
void hpx_report_trial_json(hpx_buffer *out, const hpx_recipe *recipe, const hpx_outcome_trial *trial,
                           const hpx_artifact *result);

/* "9 extend 3 -> 15, 4 train (never seen)": what a build trains and why, on one line without its end. */
void hpx_report_reasons(hpx_buffer *out, const hpx_outcome *outcome);

/* "if ... changed no number, `hpx adopt 47bf2df3 a23a5ebd` proves it ...": a line without its end; nothing
 * where no other trainer has results of these trials. */
void hpx_report_adopt_hint(hpx_buffer *out, const hpx_outcome *outcome);

/* What a plan has decided: per search its trials and verdicts, cost and time of these. `layers`: also the cost of each layer of
 * the cells that are to be trained. */
void hpx_report_plan(hpx_buffer *out, const hpx_outcome *outcome, bool layers);
void hpx_report_plan_json(hpx_buffer *out, const hpx_outcome *outcome);

/* "0:41", "12:05", "3:02:10", "2 d 03:10"; "?" if not finite. */
const char *hpx_duration_text(char out[32], double seconds);

/* "2026-11-24T08:36:57Z", of nanoseconds since 1970. */
const char *hpx_report_time(char out[32], int64_t ns);

/* Names, every one once, in order of first appearance. */
typedef struct hpx_names {
    char **at;
    size_t count, capacity;
} hpx_names;
bool hpx_names_have(const hpx_names *names, const char *name);
void hpx_names_add(hpx_names *names, const char *name);
void hpx_names_add_metrics(hpx_names *names, const hpx_metrics *metrics);
void hpx_names_free(hpx_names *names);

/* `ls`, `audit` and `log` have the same rows: key, cell, seed, epoch, metrics, code, dataset, numerics, host, started,
 * seconds, parent, the trainer that a result is stored under and the adoptions by which others are equivalent to it. Tables show
 * of their metrics the objective and the test accuracy, or all of `metrics` (NULL: no). */
void hpx_report_list_columns(hpx_rows *rows, const hpx_objective *objective, const hpx_names *metrics);
void hpx_report_audit_columns(hpx_rows *rows);
void hpx_report_log_columns(hpx_rows *rows, const hpx_objective *objective);
/* `curve`: its epochs as a sparkline; NULL where no column shows it. */
void hpx_report_provenance(hpx_rows *rows, const hpx_provenance *provenance, const char *curve);
void hpx_report_curve_column(hpx_rows *rows); /* behind the others */

/* Below the table of `audit`: the codes that the results come from, which of them cannot be had from the repository
 * alone, by which adoptions other trainers may use them, and whether code versions or kernels are mixed. */
typedef struct hpx_audit hpx_audit;
hpx_audit *hpx_audit_new(void);
void hpx_audit_free(hpx_audit *audit); /* NULL is fine */
void hpx_audit_add(hpx_audit *audit, const hpx_provenance *provenance);
void hpx_audit_print(hpx_buffer *out, const hpx_audit *audit);

/* `show`. */
/* `screen`: with sparklines of the metrics for it; NULL: without. */
void hpx_report_show(hpx_buffer *out, const hpx_trajectory *shown, const hpx_screen *screen);
void hpx_report_sparks(hpx_buffer *out, const hpx_trajectory *shown, const hpx_screen *screen);
/* `show --curve`: a plot of each metric by epoch. */
void hpx_report_curves(hpx_buffer *out, const hpx_trajectory *shown, const hpx_screen *screen);
void hpx_report_show_json(hpx_buffer *out, const hpx_trajectory *shown);

/* `why`. */
void hpx_report_why(hpx_buffer *out, const hpx_why *why);
void hpx_report_why_json(hpx_buffer *out, const hpx_why *why);

/* `diff`: what two trajectories differ in; `change`: from the code of the first to that of the second, NULL:
 * unknown. */
void hpx_report_diff(hpx_buffer *out, const hpx_trajectory *a, const hpx_trajectory *b,
                     const hpx_code_change *change);
void hpx_report_diff_json(hpx_buffer *out, const hpx_trajectory *a, const hpx_trajectory *b,
                          const hpx_code_change *change);

/* `reproduce`: one trajectory trained again. */
void hpx_report_reproduced(hpx_buffer *out, const hpx_reproduced *reproduced);
void hpx_report_reproduced_json(hpx_buffer *out, const hpx_reproduced *reproduced);

/* "trainer a23a5ebd is equivalent to 47bf2df3: 9 epochs of 3 trajectories equal, bit for bit, 2026-11-24T...",
 * without the line's end. */
void hpx_report_adoption(hpx_buffer *out, const hpx_adoption *adoption);

/* "imported from /tmp/b.hpx, 2026-11-24T08:36:57Z", or "imported from http://host/hpx, signed by hpx1..., 2026-...", without its
 * time if it stands `of_many` results, each of which has come at its own; whether there was something to say. */
bool hpx_report_import(hpx_buffer *out, const hpx_provenance *provenance, bool of_many);

/* `adopt` without arguments: all of a store. */
void hpx_report_adoptions(hpx_buffer *out, const hpx_adoptions *adoptions);
void hpx_report_adoptions_json(hpx_buffer *out, const hpx_adoptions *adoptions);

/* `adopt`: what was adopted. */
void hpx_report_adopted(hpx_buffer *out, const hpx_adopted *adopted);
void hpx_report_adopted_json(hpx_buffer *out, const hpx_adopted *adopted);

/* "17 B", "3.4 KiB", "1.2 GiB". */
const char *hpx_bytes_text(char out[32], uint64_t bytes);

/* `gc`: a line for every checkpoint collected, and totals. `compacted`: bytes of the data file afterwards, 0
 * if it was not compacted. */
void hpx_report_gc(hpx_buffer *out, const hpx_gc_result *result);
void hpx_report_gc_json(hpx_buffer *out, const hpx_gc_result *result, uint64_t compacted);

/* `forget`. */
void hpx_report_forgotten(hpx_buffer *out, const hpx_forgotten *items, size_t count);
void hpx_report_forgotten_json(hpx_buffer *out, const hpx_forgotten *items, size_t count);

/* The keys that are trusted, and those that have signed what is stored. */
void hpx_report_keys(hpx_buffer *out, const hpx_keys *keys, const hpx_signed_list *stored);
void hpx_report_keys_json(hpx_buffer *out, const hpx_keys *keys, const hpx_signed_list *stored);

/* `verify`: what a check has found and, of --rebuild, how each trajectory came out: added between begin and end. Reported
 * once. `verbose`: also a line for each that came out the same. */
typedef struct hpx_verified hpx_verified;
hpx_verified *hpx_verified_new(const hpx_findings *found);
void hpx_verified_free(hpx_verified *verified); /* NULL is fine */
void hpx_verified_begin_rebuild(hpx_verified *verified);
void hpx_verified_add(hpx_verified *verified, const hpx_rebuilt *rebuilt);
void hpx_verified_end_rebuild(hpx_verified *verified, const hpx_rebuild_counts *counts);
void hpx_report_verified(hpx_buffer *out, hpx_verified *verified, bool verbose);
void hpx_report_verified_json(hpx_buffer *out, hpx_verified *verified);

/* `import`. */
void hpx_report_imported(hpx_buffer *out, const hpx_imported *done);
void hpx_report_imported_json(hpx_buffer *out, const hpx_imported *done);

/* `doctor`: a row for each check, then what to do; the buffers of the examination are not changed. */
void hpx_report_examination(hpx_buffer *out, hpx_examination *examination);
void hpx_report_examination_json(hpx_buffer *out, const hpx_recipe *recipe, hpx_examination *examination);

/* Tables that `replay` reads: the axes, seed, epoch, status, the metrics, then seconds and key. */
void hpx_report_table_columns(hpx_rows *rows, const hpx_names *axes, const hpx_names *metrics);
void hpx_report_table_row(hpx_rows *rows, const hpx_artifact *artifact);

/* `export --optuna`: a recipe's study in the journal of Optuna, with a trial for every cell. Artifacts come cell by cell, seed
 * by seed and epoch by epoch, as hpx_stored_each has them. */
typedef struct hpx_study hpx_study;
typedef struct hpx_study_counts {
    size_t trials, left_out; /* left out: cells with no epoch that all of their seeds have */
} hpx_study_counts;
hpx_study *hpx_study_new(hpx_buffer *out, const hpx_recipe *recipe);
void hpx_study_add(hpx_study *study, const hpx_artifact *artifact, const hpx_fields *manifest);
hpx_study_counts hpx_study_finish(hpx_study *study); /* frees it */

/* `predict`: of each image its class and the probability of every class, or the logits. JSON has the result whose network
 * it is before the rows. */
void hpx_report_prediction_columns(hpx_rows *rows, const hpx_network *network, bool logits);
void hpx_report_predictions(hpx_rows *rows, const hpx_network *network, bool logits, const uint8_t *images,
                            size_t count);
void hpx_report_trained_json(hpx_json *json, const hpx_trained *trained);

/* `export --safetensors`: a network's weights as a file that other programs read (docs/models.md). */
void hpx_report_safetensors(hpx_buffer *out, const hpx_trained *trained);

/* `compare`: tables and notes; one JSON document (docs/compare.md); as CSV a row per search. */
void hpx_report_contest(hpx_buffer *out, const hpx_contest *contest);
void hpx_report_contest_json(hpx_buffer *out, const hpx_contest *contest);
void hpx_report_contest_csv(hpx_buffer *out, const hpx_contest *contest);

/* `data ls`: the data sets that are known by name, and whether they are in `folder`. */
void hpx_report_datasets(hpx_buffer *out, const char *folder);
void hpx_report_datasets_json(hpx_buffer *out, const char *folder);

#endif
