/* blob_copy: a large checkpoint on its way into a store and out of it. Prints seconds and the largest resident set, in
 * MiB.
 *
 *     blob_copy make FILE BYTES    a file of bytes that no file system can make smaller
 *     blob_copy put STORE FILE     stores it
 *     blob_copy get STORE FILE     writes what is stored to a file, on the disk */
#include "hpx/blob.h"
#include "hpx/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static hpx_status make(const char *path, uint64_t size, hpx_error *error)
{
    enum { WORDS = 1 << 17 };
    static uint64_t words[WORDS];
    uint64_t state = 88172645463325252u; /* xorshift64: G. Marsaglia, "Xorshift RNGs", 2003 */
    hpx_blob blob = {.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    hpx_status status = blob.fd >= 0 ? HPX_OK : hpx_error_errno(error, "%s", path);
    while (!status && blob.size < size) {
        uint64_t left = size - blob.size;
        for (size_t i = 0; i < WORDS; i++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            words[i] = state;
        }
        status = hpx_blob_add(&blob, words, left < sizeof words ? (size_t)left : sizeof words, error);
    }
    if (!status && fsync(blob.fd) != 0)
        status = hpx_error_errno(error, "%s", path);
    hpx_blob_close(&blob);
    return status;
}

static hpx_hash manifest(hpx_buffer *out)
{
    hpx_fields fields = {0};
    hpx_fields_set_text(&fields, "text", "a large checkpoint");
    hpx_fields_encode(out, &fields);
    hpx_fields_free(&fields);
    return hpx_hash_of(out->data, out->size);
}

static hpx_status put(hpx_store *store, const char *path, hpx_error *error)
{
    hpx_blob blob;
    hpx_buffer bytes = {0};
    hpx_artifact artifact = {.key = manifest(&bytes), .epoch = 1, .host = "nowhere"};
    artifact.output = artifact.key;
    hpx_status status = hpx_blob_open(&blob, path, error);
    if (!status)
        status = hpx_store_put(store, &bytes, &artifact, &blob, NULL, error);
    hpx_blob_close(&blob);
    hpx_buffer_free(&bytes);
    return status;
}

static hpx_status get(hpx_store *store, const char *path, hpx_error *error)
{
    hpx_blob blob;
    uint32_t epoch;
    hpx_buffer bytes = {0};
    hpx_hash key = manifest(&bytes);
    hpx_buffer_free(&bytes);
    hpx_status status = hpx_store_newest_checkpoint(&epoch, &blob, store, &key, 1, error);
    if (status)
        return status;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    status = fd >= 0 ? hpx_blob_copy(fd, NULL, &blob, error) : hpx_error_errno(error, "%s", path);
    if (!status && fsync(fd) != 0)
        status = hpx_error_errno(error, "%s", path);
    if (fd >= 0)
        close(fd);
    hpx_blob_close(&blob);
    return status;
}

int main(int argc, char **argv)
{
    hpx_error error;
    hpx_store *store = NULL;
    hpx_status status;
    if (argc != 4) {
        fprintf(stderr, "usage: blob_copy make FILE BYTES | put STORE FILE | get STORE FILE\n");
        return 2;
    }
    double start = hpx_clock_seconds();
    if (strcmp(argv[1], "make") == 0) {
        status = make(argv[2], strtoull(argv[3], NULL, 10), &error);
    } else {
        const bool puts = strcmp(argv[1], "put") == 0;
        status = hpx_store_open(&store, argv[2], puts ? HPX_STORE_WRITE : HPX_STORE_READ, &error);
        if (!status)
            status = puts ? put(store, argv[3], &error) : get(store, argv[3], &error);
        hpx_store_close(store);
    }
    if (status) {
        fprintf(stderr, "blob_copy: %s\n", error.message);
        return 1;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%.2f %.1f\n", hpx_clock_seconds() - start, (double)usage.ru_maxrss / 1024);
    return 0;
}
