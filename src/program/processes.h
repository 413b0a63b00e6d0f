/* The processes that a program starts, and how they end: all of them.
 *
 * A process that has called hpx_processes_adopt becomes the parent of what its children leave behind, whatever they do
 * (setsid, double forks). So its descendants are the program's, as long as it has no children of other kinds. */
#ifndef HPX_PROGRAM_PROCESSES_H
#define HPX_PROGRAM_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HPX_GRACE_SECONDS 10 /* from SIGTERM to SIGKILL */

void hpx_processes_adopt(void);

/* The same in a process whose children are workers, each of which has adopted what its program starts: when one dies, that is
 * left to this process, for hpx_processes_end_orphans. False, and nothing done, where this process has children already: what they
 * leave behind would look the same. */
bool hpx_processes_adopt_orphans(void);
void hpx_processes_disown(void); /* undoes either */

/* Kills all children of this process but those that are `known`, and their descendants, and takes them in. All are gone when it
 * returns, but for those that the kernel keeps. */
void hpx_processes_end_orphans(const pid_t *known, size_t count);

/* Takes in children that have ended; false when there are no others. *how is the wait status of `program` if that is
 * among them, *ended says so. */
bool hpx_processes_reap(pid_t program, bool *ended, int *how);

/* A descriptor that can be read when a child has ended, until hpx_processes_reap; -1, and errno. SIGCHLD is blocked from then on;
 * hpx_processes_unwatch undoes that. */
int hpx_processes_watch(void);
void hpx_processes_unwatch(int fd);

/* SIGTERM to every descendant and, `grace` seconds later, SIGKILL to those that are left; or right away with a grace of 0. All
 * are gone when it returns, but for those that the kernel keeps (in state D), which are not waited for, and what starts others
 * faster than it can be killed for a minute. *how and *ended as above. */
void hpx_processes_end(double grace, pid_t program, bool *ended, int *how);

/* Bytes of memory that all descendants use: the sum of their proportional shares (PSS). 0: there are none. */
uint64_t hpx_processes_memory(void);

/* The value of HPX_TRIAL for a program that this process starts: `trial`, and what tells whether this process still lives.
 * free() it. */
char *hpx_processes_mark(const char *trial);

/* Ends, as above, what has an HPX_TRIAL that begins with `trial` and belongs to a process that is gone, and its descendants: the
 * leftovers of a dead worker, or of all workers of a dead hpx. Only processes of this user; how many there were. */
size_t hpx_processes_end_strays(const char *trial, double grace);

#endif
