/* libgit2 crashes in places where memory runs out. With this it asks hpx for memory, and that does not return
 * without. To be called before git_libgit2_init. */
#ifndef HPX_CODE_GIT_MEMORY_H
#define HPX_CODE_GIT_MEMORY_H

void git_memory_from_hpx(void);

#endif
