/* One trial of a program, run by this process, which has no children of other kinds.
 *
 * The manifest says what is run (program.*, env.*, axis.*), the conditions how (run.*, job.*: see hpx/recipe.h and
 * program/copy.h). It runs in a private copy, is told of its trial by environment and files, says its metrics line by line, and when
 * it is over nothing that it started is left. The words of job.wrapper, a program by its path, are put in front of its command.
 *
 * An accident's message begins with its class: time, memory, signal, exit code, no metrics, disk. Its further lines are hints. */
#ifndef HPX_PROGRAM_RUN_H
#define HPX_PROGRAM_RUN_H

#include "hpx/error.h"
#include "hpx/training.h"

/* As the call `run` of a trainer (hpx/trainer.h). Where the program continues, epochs are handed on up to the last checkpoint that
 * was taken, and all others when the program has ended as it should. HPX_FAILED: an accident; HPX_NO_MEMORY: one for lack of
 * memory, of the machine and not of its own limit; HPX_DAMAGED: the checkpoint is none that it could go on from;
 * HPX_INTERRUPTED: run->stop has hung up. */
hpx_status hpx_program_run(const hpx_run *run, hpx_error *error);

/* The same with so many seconds from SIGTERM to SIGKILL. */
hpx_status hpx_program_run_with(const hpx_run *run, double grace, hpx_error *error);

#endif
