/* Blobs: bytes that may be too many for memory, above all checkpoints. They pass through a descriptor and are
 * never whole in memory unless someone maps them. Reading leaves the descriptor's position alone, so that
 * several may read the same one. */
#ifndef HPX_BLOB_H
#define HPX_BLOB_H

#include "hpx/error.h"
#include "hpx/file.h"
#include "hpx/hash.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes 0 to size - 1 of a file. As an argument it is borrowed, as *out the caller's to close. */
typedef struct hpx_blob {
    int fd;
    uint64_t size;
} hpx_blob;

#define HPX_NO_BLOB ((hpx_blob){.fd = -1})

/* An empty one in memory (memfd_create). */
hpx_status hpx_blob_new(hpx_blob *out, hpx_error *error);
/* An empty one for more than memory should hold: a file without a name in $TMPDIR or else /var/tmp, which is
 * gone with its descriptor. */
hpx_status hpx_blob_new_file(hpx_blob *out, hpx_error *error);
/* The same in this folder. */
hpx_status hpx_blob_new_file_in(hpx_blob *out, const char *folder, hpx_error *error);
/* One in memory with these bytes. */
hpx_status hpx_blob_from_bytes(hpx_blob *out, const void *bytes, size_t size, hpx_error *error);
/* A regular file, for reading. HPX_NOT_FOUND if there is none. */
hpx_status hpx_blob_open(hpx_blob *out, const char *path, hpx_error *error);
/* Closes the descriptor if there is one, and leaves HPX_NO_BLOB. */
void hpx_blob_close(hpx_blob *blob);

/* Appends to one whose descriptor can be written to. */
hpx_status hpx_blob_add(hpx_blob *blob, const void *bytes, size_t size, hpx_error *error);

/* Reads bytes at..at + size - 1. HPX_FAILED when the file ends before. */
hpx_status hpx_blob_read(const hpx_blob *blob, void *bytes, size_t size, uint64_t at, hpx_error *error);
/* Reads it from front to back; all pieces but the last have HPX_PIECE_BYTES. Ends with the first status that
 * is not HPX_OK. */
hpx_status hpx_blob_each_piece(const hpx_blob *blob, hpx_piece_fn *each, void *context, hpx_error *error);
hpx_status hpx_blob_hash(hpx_hash *out, const hpx_blob *blob, hpx_error *error);

/* Writes it to a file that is empty, and shares its blocks where the file system can. With `hash`, hashes
 * what was read on the way. errno says why it failed. */
hpx_status hpx_blob_copy(int fd, hpx_hash *hash, const hpx_blob *blob, hpx_error *error);

/* Its bytes for reading; hpx_blob_unmap(bytes, size) ends that. An empty one has NULL. */
hpx_status hpx_blob_map(const uint8_t **bytes, const hpx_blob *blob, hpx_error *error);
void hpx_blob_unmap(const uint8_t *bytes, uint64_t size);

#endif
