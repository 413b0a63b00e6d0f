/* What the machine contributes to a trained network. */
#ifndef HPX_NN_NUMERICS_H
#define HPX_NN_NUMERICS_H

#include "hpx/error.h"
#include "hpx/fields.h"

/* Fields "numerics.*": threads, C library and compiler; with plain vectors these, and the BLAS and its
 * kernel, through which products then run. AVX2 and AVX-512 give the same bits and have the same fields. The
 * same fields, the same bits. */
void hpx_numerics(hpx_fields *out);

/* What networks are trained with here, whether or not a result depends on it, as fields "machine.*": vectors,
 * BLAS version and kernel. */
void hpx_numerics_machine(hpx_fields *out);

/* Multiplies odd shapes and all transposes and compares with plain loops: HPX_FAILED where a product is
 * wrong. */
hpx_status hpx_numerics_check(hpx_error *error);

/* HPX_USAGE when the environment asks for numerics by a name that is not known, or that this machine has
 * not. */
hpx_status hpx_numerics_check_environment(hpx_error *error);

#endif
