/* What several reports are made of: values of rows, and texts. */
#ifndef HPX_REPORT_PARTS_H
#define HPX_REPORT_PARTS_H

#include "report/report.h"
#include "report/rows.h"

#define KEY_DIGITS  12 /* of a key in a table: enough to be unique in any store people have */
#define CODE_DIGITS 8  /* of a code version */

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Values of these names; `cell`, `metrics` and numerics are objects. */
void hpx_add_hash(hpx_row *row, const char *name, const hpx_hash *hash);
void hpx_add_cell(hpx_row *row, const hpx_cell *cell);
void hpx_add_metrics(hpx_row *row, const hpx_metrics *metrics);
void hpx_add_numerics(hpx_row *row, const char *name, const hpx_fields *manifest); /* without their prefix */
void hpx_add_status(hpx_row *row, bool failed); /* "status", of what failed alone */

/* A code record as an object; the patch as its hash, or null for a clean tree. */
void hpx_add_code(hpx_row *row, const char *name, const hpx_fields *code);

/* The fields of a record; the files of a program's data are "files", a list of objects. */
void hpx_add_record(hpx_row *row, const hpx_fields *record);

/* An epoch: its number, metrics or why it failed, output, host, times, parent; " epoch_seconds" and " parent_epoch". */
void hpx_add_epoch(hpx_row *row, const hpx_artifact *artifact);

/* The heading that a trainer has for a metric in tables with room for few, and the metric under a heading; another name
 * as it is. */
const char *hpx_metric_heading(const char *metric);
const char *hpx_metric_under(const char *heading);

/* Whether less of it is better, by a trainer's table or the end of its name; false where nobody knows. */
bool hpx_metric_direction(bool *minimised, const char *metric);

/* Columns of metrics, with four decimals: of those that have a heading, with the objective in the place of the first
 * if it is none of them (NULL: there is none, and one column has the first of those that no trainer lists); those in
 * which no row has anything are left out. Of all of these. */
void hpx_add_headline_columns(hpx_rows *rows, const hpx_objective *objective);
void hpx_add_metric_columns(hpx_rows *rows, const hpx_names *metrics);

/* "counted_as", the trainer that a result is stored under, and "adoptions", by which others are equivalent to it. */
void hpx_add_counted(hpx_row *row, const hpx_provenance *provenance);

/* "made by trainer a23a5ebd, equivalent to 47bf2df3": of a result that another trainer made; whether there was something to
 * say. */
bool hpx_report_counted(hpx_buffer *out, const hpx_provenance *provenance);

/* "imported", an object; null for what was trained with this store. */
void hpx_add_import(hpx_row *row, const hpx_provenance *provenance);

#endif
