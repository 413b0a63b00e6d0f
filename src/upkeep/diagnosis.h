/* What runs of a trial say about its program: the part of the doctor that runs nothing. */
#ifndef HPX_DIAGNOSIS_H
#define HPX_DIAGNOSIS_H

#include "hpx/compare.h"
#include "hpx/metrics.h"
#include "hpx/training.h"
#include "opened.h"
#include "upkeep/doctor.h"

#include <stdbool.h>

struct told_epoch {
    uint32_t epoch;
    hpx_metrics metrics;
};

/* One run of the trial, as its worker told it. Zeroed, it has not been run. */
struct hpx_trial_run {
    bool ran;
    char *accident; /* why it ended early, in lines; NULL: it did not */
    struct told_epoch *epochs;
    size_t count, capacity;
    char failure[HPX_FAILURE_BYTES]; /* why the program says that it failed; "": it does not */
    hpx_buffer log;                  /* what it printed */
};
void hpx_trial_run_free(struct hpx_trial_run *run);

/* `why`: why not all that it opened is known; NULL: it is. */
void hpx_diagnose_declared(hpx_diagnosis *out, const hpx_recipe *recipe, const hpx_undeclared *undeclared,
                           const char *why);
void hpx_diagnose_deterministic(hpx_diagnosis *out, const struct hpx_trial_run *first,
                                const struct hpx_trial_run *second, const hpx_comparison *comparison);
void hpx_diagnose_output(hpx_diagnosis *out, const hpx_recipe *recipe, const struct hpx_trial_run *run);

#endif
