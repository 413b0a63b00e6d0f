/* A code record in the repository that it was read from. */
#ifndef HPX_CODE_RECORD_H
#define HPX_CODE_RECORD_H

#include "git.h"

#include "hpx/error.h"
#include "hpx/fields.h"

typedef struct code_record {
    git_commit *commit;
    git_tree *tree;
    git_diff *patch; /* NULL: none */
} code_record;

/* HPX_NOT_FOUND when the repository lacks the commit, HPX_DAMAGED for a patch that cannot be read. Close it
 * in any case. */
hpx_status code_record_open(code_record *out, git_repository *repository, const hpx_fields *code,
                            hpx_error *error);
void code_record_close(code_record *record);

#endif
