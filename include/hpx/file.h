/* Files, whole: read, replace. */
#ifndef HPX_FILE_H
#define HPX_FILE_H

#include "hpx/buffer.h"
#include "hpx/error.h"
#include "hpx/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Appends the file's bytes to `out`. HPX_NOT_FOUND if there is none, HPX_FAILED if it cannot be read or holds
 * more than bytes_max. */
hpx_status hpx_file_read(hpx_buffer *out, const char *path, size_t bytes_max, hpx_error *error);
/* The same of a stream, to its end: "-", standard input, or a pipe by its path. */
hpx_status hpx_stream_read(hpx_buffer *out, const char *path, size_t bytes_max, hpx_error *error);

/* Writes `path` so that a reader sees the old content or the new, never a part: a temporary file in the same
 * folder, fsync, rename, fsync of the folder. The file keeps its owner and permissions; a new one obeys the
 * umask. Through a symbolic link its target is written. What a killed process has left of it is removed. */
hpx_status hpx_file_write(const char *path, const void *bytes, size_t size, hpx_error *error);

/* The same in pieces: nothing is seen under `path` before hpx_file_finish. What is not a regular file (a
 * device, a pipe) is written to as it is. */
typedef struct hpx_file_writer hpx_file_writer;
hpx_status hpx_file_create(hpx_file_writer **out, const char *path, hpx_error *error);
hpx_status hpx_file_add(hpx_file_writer *writer, const void *bytes, size_t size, hpx_error *error);
hpx_status hpx_file_finish(hpx_file_writer *writer, hpx_error *error); /* frees it, also when it fails */
void hpx_file_discard(hpx_file_writer *writer); /* leaves what was there; NULL is fine */
void hpx_file_remove_temporaries(void);         /* of all that are open; for signal handlers */

/* Removes the temporary files in a folder whose processes were killed. */
void hpx_file_remove_left_over(const char *folder);

/* What stat(2) says of a file, as far as it tells whether the bytes may have changed. */
typedef struct hpx_file_stat {
    uint64_t device, inode, size;
    int64_t modified_ns, changed_ns; /* mtime and ctime, nanoseconds since 1970 */
    bool untimed; /* a file system in memory: writes through a mapping leave no trace in the times */
} hpx_file_stat;

hpx_status hpx_file_stat_of(hpx_file_stat *out, const char *path,
                            hpx_error *error); /* HPX_NOT_FOUND if none */

/* Whether two of the same path say the same; and whether one, taken again and the same, tells that the bytes are those that
 * were read from `looked_ns` on: every write since would have given it another time. */
bool hpx_file_stat_equal(const hpx_file_stat *a, const hpx_file_stat *b);
bool hpx_file_stat_tells(const hpx_file_stat *stat, int64_t looked_ns);

/* Reads a file piece by piece; all pieces but the last have HPX_PIECE_BYTES. Ends with the first status that
 * is not HPX_OK. Its dirty pages are written back first: from then on the kernel notices every write, also
 * one through a mapping, and sets the times that `stat` has. HPX_FAILED if the file changed while it was
 * read. */
#define HPX_PIECE_BYTES ((size_t)1 << 20)
typedef hpx_status hpx_piece_fn(void *context, const uint8_t *bytes, size_t size, hpx_error *error);
hpx_status hpx_file_each_piece(hpx_file_stat *stat, const char *path, hpx_piece_fn *each, void *context,
                               hpx_error *error);
/* The hash of its bytes, which are read so. */
hpx_status hpx_file_hash(hpx_hash *out, hpx_file_stat *stat, const char *path, hpx_error *error);
/* Whether there is such a file with the bytes of this hash. */
bool hpx_file_has_hash(const char *path, const hpx_hash *hash);

/* Makes the folder and its parents; one that exists is fine. */
hpx_status hpx_make_directories(const char *path, hpx_error *error);

/* Removes the folder with all it holds, as far as it can; links are not followed. NULL is fine. */
void hpx_folder_remove(const char *path);

bool hpx_path_exists(const char *path);
bool hpx_path_is_folder(const char *path);
bool hpx_path_is_stream(const char *path); /* "-", an open descriptor's name, or no regular file nor folder */

/* The absolute path without links; NULL, and errno, when there is no such path. free() it. */
char *hpx_path_real(const char *path);

/* `path` if it is absolute, else `directory`/`path`. free() it. */
char *hpx_path_join(const char *directory, const char *path);

/* The folder part of a path, "." if there is none. free() it. */
char *hpx_path_directory(const char *path);

/* The user's own file of this name: $XDG_CONFIG_HOME/hpx/NAME, else ~/.config/hpx/NAME; NULL: there is no place for one.
 * free() it. */
char *hpx_path_of_user(const char *name);

int64_t hpx_clock_ns(void);     /* nanoseconds since 1970 */
double hpx_clock_seconds(void); /* monotonic, for durations */

int64_t hpx_time_ns(struct timespec time); /* as nanoseconds */

#endif
