/* Looks at one trial of a program: whether it does what its recipe says of it, and what to write into the recipe. */
#ifndef HPX_DOCTOR_H
#define HPX_DOCTOR_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/recipe.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hpx_doctor_verdict { HPX_DOCTOR_PASS, HPX_DOCTOR_FAIL, HPX_DOCTOR_NOT_TRIED } hpx_doctor_verdict;

/* What came of a check. The buffers have lines. */
typedef struct hpx_diagnosis {
    hpx_doctor_verdict verdict;
    hpx_buffer found;    /* one line without its end: what was seen, or why it was not tried */
    hpx_buffer advice;   /* what to do */
    hpx_buffer bindings; /* of the statement `program`, for the recipe */
} hpx_diagnosis;

typedef enum hpx_doctor_check {
    HPX_DOCTOR_DECLARED,      /* it opens nothing that the recipe does not name */
    HPX_DOCTOR_DETERMINISTIC, /* two runs have the same metrics, within `repeat` */
    HPX_DOCTOR_CONTINUES,     /* as `continue` says */
    HPX_DOCTOR_OUTPUT,        /* its metrics are read, the objective among them */
    HPX_DOCTOR_CHECKS
} hpx_doctor_check;

extern const char *const hpx_doctor_names[HPX_DOCTOR_CHECKS];

typedef struct hpx_examination {
    hpx_diagnosis checks[HPX_DOCTOR_CHECKS];
} hpx_examination;
void hpx_examination_free(hpx_examination *examination);

typedef struct hpx_doctor_options {
    const char *program;                          /* run as `program worker` */
    void (*say)(void *context, const char *text); /* what goes on; may be NULL */
    void *context;
    const volatile sig_atomic_t *interrupted; /* may be NULL */
} hpx_doctor_options;

/* Runs the first trial of a program's recipe, which has one cell, a few times; nothing of it is stored. HPX_OK whatever the
 * checks come to. HPX_USAGE when files that the recipe names are not there. */
hpx_status hpx_doctor(hpx_examination *out, const hpx_recipe *recipe, const hpx_doctor_options *options,
                      hpx_error *error);

#endif
