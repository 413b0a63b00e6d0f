/* Which checkpoints of a trajectory stay when another epoch of it is stored. Results always stay. */
#ifndef HPX_KEEP_H
#define HPX_KEEP_H

typedef enum hpx_keep {
    HPX_KEEP_NEWEST, /* that of the newest epoch */
    HPX_KEEP_ALL,
    HPX_KEEP_NONE, /* the newest while a training runs, so that it can be continued; none after its end */
    HPX_KEEP_BEST, /* the newest, and that of the best epoch by the objective; of equals the earlier */
} hpx_keep;

#endif
