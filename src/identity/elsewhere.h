/* The numerics that workers on other machines had when one of them was last heard of: a file, by which results are asked for
 * while none is there. It has fields, for each trainer by its name the encoded fields "numerics.*". */
#ifndef HPX_ELSEWHERE_H
#define HPX_ELSEWHERE_H

#include "hpx/fields.h"

#include <stdbool.h>

/* Puts them in place of the numerics that a trainer's results have here (hpx_manifest_set_binary). False, and nothing is
 * changed: none are known. */
bool hpx_elsewhere_recall(hpx_fields *binary, const char *path, const char *trainer);

/* Keeps those of `binary`, and makes the folder of the file. It is of use and no more: where it cannot be written it is not. */
void hpx_elsewhere_remember(const char *path, const char *trainer, const hpx_fields *binary);

#endif
