/* What several reports on artifacts share. */
#ifndef HPX_REPORT_PARTS_H
#define HPX_REPORT_PARTS_H

#include "report/report.h"

#define KEY_DIGITS 12 /* of a key in a table: enough to be unique in any store people have */

/* "2026-11-24T08:36:57Z" */
const char *report_time(char out[32], int64_t ns);

/* The header row; `names` is NULL-terminated. */
void report_columns(hpx_table *table, const char *const *names);

/* A cell as one of a table, and as the member "cell", an object. */
void report_cell(hpx_table *table, const hpx_cell *cell);
void report_cell_json(hpx_json *json, const hpx_cell *cell);

/* "imported from /tmp/b.hpx, 2026-11-24T08:36:57Z"; whether there was something to say. */
bool report_import(hpx_buffer *out, const hpx_provenance *provenance);
/* The member "imported", an object; null for what was trained with this store. */
void report_import_json(hpx_json *json, const hpx_provenance *provenance);

/* A metric of an epoch with four decimals; "failed" where that failed, "-" where it has none. */
void report_metric(hpx_table *table, const hpx_artifact *artifact, const char *metric);

/* The member "status" of what failed. */
void report_status_json(hpx_json *json, bool failed);

/* The members of one epoch: number, metrics or why it failed, output, host, times, parent. */
void report_epoch_json(hpx_json *json, const hpx_artifact *artifact);

/* "made by trainer a23a5ebd, counted as 47bf2df3": of a result whose key is another trainer's than the one
 * that made it; whether there was something to say. */
bool report_counted(hpx_buffer *out, const hpx_provenance *provenance);

/* Members "counted_as" and "adoptions". */
void report_counted_json(hpx_json *json, const hpx_provenance *provenance);

#endif
