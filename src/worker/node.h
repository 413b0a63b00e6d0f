/* What a worker has on the disk of its own machine: the scratch folder of its programs, and copies of data that it does not see
 * where the job says that they are. Workers of one machine share the copies; the last of them removes them. */
#ifndef HPX_NODE_H
#define HPX_NODE_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"
#include "worker/message.h"

typedef struct hpx_node hpx_node;

/* The pool is where parcels come from, borrowed. Nothing is on the disk before a job needs it. */
hpx_node *hpx_node_new(const char *pool);
void hpx_node_free(hpx_node *node); /* NULL is fine */

/* Makes a job one for this machine. HPX_NOT_FOUND: it lacks the data of hash *wanted, which the pool has not either. HPX_FAILED
 * where there is no folder for what the job needs. */
hpx_status hpx_node_fit(hpx_job *job, hpx_hash *wanted, hpx_node *node, const hpx_fields *manifest,
                        hpx_error *error);

#endif
