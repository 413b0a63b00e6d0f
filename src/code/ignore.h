/* Which files of a work tree git takes for the user's: the tracked ones, and those that no rule ignores. Rules decide first,
 * so that the index is only read where a file is ignored: to know whether it is tracked all the same. */
#ifndef HPX_CODE_IGNORE_H
#define HPX_CODE_IGNORE_H

#include "hpx/error.h"

#include <stdbool.h>

/* The rules of one work tree; those of repositories inside it are others. */
typedef struct code_rules code_rules;

/* Is told each file whose content, or absence, decides. */
typedef void code_witness_fn(void *context, const char *path);

/* Between hpx_code_git_begin and hpx_code_git_end, as all of these. */
hpx_status hpx_code_rules_open(code_rules **out, const char *root, code_witness_fn *witness, void *context,
                               hpx_error *error);
void hpx_code_rules_free(code_rules *rules); /* NULL is fine */

/* Whether a file counts, or any file below a folder can. The path is below the root. */
bool hpx_code_rules_take(code_rules *rules, const char *path, bool folder);

/* The index could not be read, and why: what is ignored was taken for untracked. NULL: it could, or need not be. */
const char *hpx_code_rules_warning(const code_rules *rules);

#endif
