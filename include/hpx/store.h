/* The store: one LMDB environment that holds every result. One transaction makes an artifact visible,
 * complete or not at all; every value carries a hash and is checked when it is read; what does not match is
 * reported once, treated as missing and trained again. The only user of LMDB. The layout is drawn in
 * src/store/store.c.
 *
 * A trajectory is named by the hash of its manifest. An artifact is a trajectory at an epoch. */
#ifndef HPX_STORE_H
#define HPX_STORE_H

#include "hpx/blob.h"
#include "hpx/buffer.h"
#include "hpx/cell.h"
#include "hpx/compare.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/file.h"
#include "hpx/hash.h"
#include "hpx/keep.h"
#include "hpx/metrics.h"
#include "hpx/training.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hpx_store hpx_store;

typedef enum hpx_store_mode {
    HPX_STORE_READ,          /* HPX_NOT_FOUND if there is no store */
    HPX_STORE_WRITE,         /* makes the store if there is none */
    HPX_STORE_WRITE_OR_READ, /* as WRITE, but as READ where there is a store that may not be written to */
    HPX_STORE_CHECK, /* as READ, but what is truncated or lacks parts, too: for hpx_store_check only */
} hpx_store_mode;

/* Called when stored bytes do not match their hash: what they were ("record 0123.. epoch 3"). Once per
 * value. */
typedef void hpx_damage_fn(void *context, const char *what);

/* For this thread: what is called, with a line for people, when a call has waited a second for another
 * process (a writer, a compaction), and again for each other one; and a flag that ends such a wait with
 * HPX_INTERRUPTED, but not before that second, so that what is nearly done is not given up. Both may be
 * NULL. */
typedef void hpx_wait_fn(const char *text);
void hpx_store_on_wait(hpx_wait_fn *say, const volatile sig_atomic_t *interrupted);

/* Opens the environment in `directory`; once per process and directory. HPX_FAILED on what cannot be opened
 * or written, on a network file system and on a store written by a newer hpx; HPX_DAMAGED on a truncated data
 * file and on one whose structure is seen to be damaged. */
hpx_status hpx_store_open(hpx_store **out, const char *directory, hpx_store_mode mode, hpx_error *error);
/* The same for a process that may not end over damage (hpx_store_on_broken): HPX_DAMAGED where the structure of the
 * data file is damaged anywhere. It reads that once: 10 ms for 30 MB. */
hpx_status hpx_store_open_checked(hpx_store **out, const char *directory, hpx_store_mode mode,
                                  hpx_error *error);
void hpx_store_close(hpx_store *store); /* NULL is fine */
bool hpx_store_exists(const char *directory);
bool hpx_store_is_writable(const hpx_store *store);
/* Transactions so far: while there are no more, nothing else is stored. */
uint64_t hpx_store_changes(const hpx_store *store);
void hpx_store_on_damage(hpx_store *store, hpx_damage_fn *damaged, void *context);
/* Likewise with what a verification has to say that is no damage. */
void hpx_store_on_remark(hpx_store *store, hpx_damage_fn *remark, void *context);

/* What trainers say of what is stored, asked by verify and by imports: HPX_DAMAGED with why it is none. A
 * store without a judge takes all. */
typedef struct hpx_store_judge {
    hpx_status (*manifest)(const hpx_fields *manifest, hpx_error *error);
    /* The checkpoint of an epoch of such a training, with the record of its data. */
    hpx_status (*checkpoint)(const hpx_fields *manifest, const hpx_fields *dataset, uint32_t epoch,
                             const hpx_blob *checkpoint, hpx_error *error);
} hpx_store_judge;
void hpx_store_set_judge(hpx_store *store, const hpx_store_judge *judge); /* borrowed; NULL: none */

const char *hpx_store_directory(const hpx_store *store);
/* HPX_FAILED when the store was deleted or replaced since it was opened. Every write ends with this. */
hpx_status hpx_store_is_there(const hpx_store *store, hpx_error *error);

/* LMDB trusts the pages of its tree. Where they are damaged it fails an assertion, or reads beyond the file
 * or beyond all memory (SIGBUS, SIGSEGV). These set, for the whole process, what is called then; neither may
 * return. For an assertion: with a line for people; the default aborts. For a crash: in the signal's handler;
 * NULL, the default, lets the signals take their course, as those do that are not the store's. */
typedef void hpx_broken_fn(const char *what);
void hpx_store_on_broken(hpx_broken_fn *broken);
typedef void hpx_crash_fn(void);
void hpx_store_on_crash(hpx_crash_fn *crashed);

/* One epoch's result; or that the training failed in it, as its manifest decides, or ended early of itself. Then
 * there is no later one. */
typedef struct hpx_artifact {
    hpx_hash key;
    uint32_t epoch;
    char failure[HPX_FAILURE_BYTES]; /* why it failed; empty: it did not */
    char stopped[HPX_FAILURE_BYTES]; /* why it ended early, with these metrics; empty: it did not */
    uint32_t parent;     /* the epoch whose checkpoint this run continued; 0: it began from the start */
    hpx_metrics metrics; /* its own: hpx_artifact_free */
    hpx_hash output;     /* hpx_output_hash of metrics and checkpoint, or hpx_failure_hash; of a result with
                            conditions, of the metrics alone: checkpoints of programs are not compared */
    hpx_hash code;       /* of the code record */
    hpx_hash dataset;    /* of the data set entry */
    hpx_hash conditions; /* of the record of how the program was run; zero: a model has none */
    bool replicate;      /* a later run, kept beside the first, which it need not equal */
    hpx_cell cell;       /* as the recipe named it; of a stored one, borrowed until the store is closed */
    uint64_t seed;
    char host[64];
    int64_t started_ns;   /* of the epoch, since 1970 */
    double seconds;       /* wall time of the epoch */
    double total_seconds; /* of all epochs up to it, whichever builds trained them */
} hpx_artifact;

void hpx_artifact_free(hpx_artifact *artifact);
hpx_artifact hpx_artifact_copy(const hpx_artifact *artifact); /* the cell stays borrowed */
/* Takes a copy in place of what `out` has. */
void hpx_artifact_set(hpx_artifact *out, const hpx_artifact *artifact);

/* Whether a program made it, which has conditions. */
bool hpx_artifact_is_of_program(const hpx_artifact *artifact);

/* Whether two epochs came out alike, bit for bit. */
bool hpx_artifact_same_output(const hpx_artifact *a, const hpx_artifact *b);
/* Whether they came out alike by a comparison. If not, and it is not HPX_LIKE_BITS, `out` says in which metric. */
bool hpx_artifact_alike(hpx_difference *out, const hpx_artifact *a, const hpx_artifact *b,
                        const hpx_comparison *comparison);

typedef struct hpx_put_options {
    hpx_keep keep;
    hpx_objective objective;   /* HPX_KEEP_BEST: what is best */
    bool last;                 /* HPX_KEEP_NONE: the training ends with this epoch */
    hpx_comparison comparison; /* with the epoch that is stored already, if it is */
    bool take_file;            /* a checkpoint's file that has no name becomes the store's own, where it can:
                                  nobody writes to it any more */
    const hpx_buffer *log; /* what the run said that ended with this epoch, of which HPX_LOG_BYTES_MAX bytes
                                  count; NULL: nothing is kept */
} hpx_put_options;

/* Stores an epoch with its checkpoint and drops the trajectory's checkpoints that are not to be kept, in one
 * transaction. A newer checkpoint that is there already is the newest, and this one is not kept for that. An
 * epoch without a checkpoint (NULL), as a failure is, leaves the one before it the newest. A pinned trajectory
 * keeps all. Without options only the newest is kept. HPX_DIFFERS if the key has another manifest (a hash
 * collision; nothing is changed then) or the epoch another output, which is kept beside the first one
 * (hpx_store_each_conflict). Storing what is alike again changes no record; with HPX_LIKE_ANY it is kept, alone, as
 * a replicate. */
hpx_status hpx_store_put(hpx_store *store, const hpx_buffer *manifest, const hpx_artifact *artifact,
                         const hpx_blob *checkpoint, const hpx_put_options *options, hpx_error *error);

/* What hpx_store_put takes. */
typedef struct hpx_put {
    const hpx_buffer *manifest;
    const hpx_artifact *artifact;
    const hpx_blob *checkpoint;
    const hpx_put_options *options;
} hpx_put;

/* The same for several epochs, in one transaction: all of them or, when one cannot be stored or has another output, none.
 * Alone, each says why. */
hpx_status hpx_store_put_all(hpx_store *store, const hpx_put *puts, size_t count, hpx_error *error);

/* HPX_OK and the artifact, to be freed; HPX_NOT_FOUND if there is none, or it is damaged. With `manifest`, the stored one
 * must be equal: HPX_DIFFERS if it is not. */
hpx_status hpx_store_get(hpx_artifact *out, hpx_store *store, const hpx_hash *key, uint32_t epoch,
                         const hpx_buffer *manifest, hpx_error *error);

/* What is known of a training of so many epochs: likewise the artifact of the last of them, or of the one in
 * which it failed, or stopped, before. */
hpx_status hpx_store_find(hpx_artifact *out, hpx_store *store, const hpx_hash *key, uint32_t epochs,
                          const hpx_buffer *manifest, hpx_error *error);

/* The newest epoch up to epoch_max that can be read; HPX_NOT_FOUND if there is none. Damaged ones on the way are
 * reported. */
hpx_status hpx_store_newest(hpx_artifact *out, hpx_store *store, const hpx_hash *key, uint32_t epoch_max,
                            hpx_error *error);

/* The newest epoch up to epoch_max whose checkpoint is whole: its number, and its bytes to read, which the
 * caller closes. A large one is the store's own file, and whoever reads it need not hurry. HPX_NOT_FOUND if
 * there is none. */
hpx_status hpx_store_newest_checkpoint(uint32_t *epoch, hpx_blob *checkpoint, hpx_store *store,
                                       const hpx_hash *key, uint32_t epoch_max, hpx_error *error);
/* The same without reading the bytes, for a plan. */
hpx_status hpx_store_newest_checkpoint_epoch(uint32_t *epoch, hpx_store *store, const hpx_hash *key,
                                             uint32_t epoch_max, hpx_error *error);

/* What the run said that ended with an epoch, appended: any bytes. HPX_NOT_FOUND if nothing is kept. */
hpx_status hpx_store_get_log(hpx_buffer *out, hpx_store *store, const hpx_hash *key, uint32_t epoch,
                             hpx_error *error);

/* Reports an epoch as damaged, as its checkpoint is no such thing to the trainer, and drops it: record,
 * checkpoint and mark. So it is trained again, and no build meets it a second time. */
hpx_status hpx_store_reject(hpx_store *store, const hpx_hash *key, uint32_t epoch, const char *why,
                            hpx_error *error);

hpx_status hpx_store_manifest(hpx_fields *out, hpx_store *store, const hpx_hash *key, hpx_error *error);

/* The one key that begins with these hexadecimal digits: HPX_NOT_FOUND if none does, HPX_USAGE if several
 * do. */
hpx_status hpx_store_find_key(hpx_hash *out, hpx_store *store, const char *prefix, hpx_error *error);

/* Calls for the keys that begin with these digits, in order, as long as it says so. "": all keys. */
typedef bool hpx_key_fn(void *context, const hpx_hash *key);
hpx_status hpx_store_each_key(hpx_store *store, const char *prefix, hpx_key_fn *each, void *context,
                              hpx_error *error);

/* Calls for every artifact, in order of key and epoch; with `key`, for that trajectory's. Damaged ones are
 * reported and left out. Ends with the first status that is not HPX_OK. The store may not be changed
 * meanwhile. The artifact is borrowed during the call. */
typedef hpx_status hpx_artifact_fn(void *context, const hpx_artifact *artifact, hpx_error *error);
hpx_status hpx_store_each(hpx_store *store, const hpx_hash *key, hpx_artifact_fn *each, void *context,
                          hpx_error *error);

/* Likewise for every trajectory's manifest, in order of key; damaged ones are reported and left out. */
typedef hpx_status hpx_manifest_fn(void *context, const hpx_hash *key, const hpx_fields *manifest,
                                   hpx_error *error);
hpx_status hpx_store_each_manifest(hpx_store *store, hpx_manifest_fn *each, void *context, hpx_error *error);

/* Keeps an output that contradicts the stored one. Returns HPX_DIFFERS with `error` as it was, or why it
 * could not. */
hpx_status hpx_store_put_conflict(hpx_store *store, const hpx_artifact *artifact, hpx_error *error);
/* Keeps a later run that need not equal the stored one. */
hpx_status hpx_store_put_replicate(hpx_store *store, const hpx_artifact *artifact, hpx_error *error);

/* Calls for every later run that was stored under a key and epoch that had one: replicates, and what contradicts the
 * first, the loud error that must not be forgotten. With `key`, for that trajectory's. */
hpx_status hpx_store_each_conflict(hpx_store *store, const hpx_hash *key, hpx_artifact_fn *each,
                                   void *context, hpx_error *error);

/* Small records named by the hash of their own bytes: what is known of a code version, a data set, or how programs
 * are run (HPX_RECORD_CONDITIONS). Storing the same again changes nothing, but what came by an import is from then
 * on known here as well. */
typedef enum hpx_record_kind {
    HPX_RECORD_CODE,
    HPX_RECORD_DATASET,
    HPX_RECORD_CONDITIONS,
    HPX_RECORD_PROOF, /* that a program continues (run/proof.h) */
} hpx_record_kind;
hpx_hash hpx_record_id(const hpx_fields *fields);
hpx_status hpx_store_put_record(hpx_store *store, hpx_record_kind kind, const hpx_fields *fields,
                                hpx_error *error);
hpx_status hpx_store_get_record(hpx_fields *out, hpx_store *store, hpx_record_kind kind, const hpx_hash *id,
                                hpx_error *error);

/* From where and when a result came by an import, as fields "from" (text) and "when" (count, ns since 1970), and what came from
 * a shared store also "signer" (text, as remote/keys.h has it); epoch 0 for a code version under its id. HPX_NOT_FOUND for
 * what was trained, or built, with this store. */
hpx_status hpx_store_find_import(hpx_fields *out, hpx_store *store, const hpx_hash *key, uint32_t epoch,
                                 hpx_error *error);
/* Calls for every epoch that came so, in order of key. Ends with the first status that is not HPX_OK. */
hpx_status hpx_store_each_import(hpx_store *store, hpx_manifest_fn *each, void *context, hpx_error *error);

/* The one record whose id begins with these hexadecimal digits; errors as of hpx_store_find_key. */
hpx_status hpx_store_find_record(hpx_hash *out, hpx_store *store, hpx_record_kind kind, const char *prefix,
                                 hpx_error *error);

/* Adoptions: which trainers are equivalent (src/identity/adoption.h has their fields and ids). Putting one replaces
 * the one of that id; dropping one that is not there is fine. */
hpx_status hpx_store_put_adoption(hpx_store *store, const hpx_hash *id, const hpx_fields *adoption,
                                  hpx_error *error);
hpx_status hpx_store_drop_adoption(hpx_store *store, const hpx_hash *id, hpx_error *error);
hpx_status hpx_store_each_adoption(hpx_store *store, hpx_manifest_fn *each, void *context, hpx_error *error);

/* Stores the epochs of a trajectory also under the key of another manifest, in one transaction: the records
 * that are not there, with the code and the times that they have, and the checkpoints that are newer than any
 * there. HPX_DIFFERS, with nothing changed, if an epoch that both have has two outputs. */
hpx_status hpx_store_copy(hpx_store *store, const hpx_hash *from, const hpx_buffer *manifest,
                          hpx_error *error);

/* Claims a trajectory for training by this process: *claimed false while another process has it. A claim ends
 * with its release or, at once, with the process, however that ends. The store must be open for writing. */
hpx_status hpx_store_claim(bool *claimed, hpx_store *store, const hpx_hash *key, hpx_error *error);
void hpx_store_release(hpx_store *store, const hpx_hash *key);
/* Whether another process has it; the store may be open for reading. */
hpx_status hpx_store_is_claimed(bool *claimed, hpx_store *store, const hpx_hash *key, hpx_error *error);
/* Who has it, for people: "hpx build r.rcp (HOST, pid 12, since 2026-01-31 12:00:00)"; NULL: nobody else.
 * free() it. */
char *hpx_store_claimant(hpx_store *store, const hpx_hash *key);

/* What is known of a file's bytes without reading them again. */
typedef struct hpx_known_bytes {
    hpx_file_stat stat; /* when the bytes were hashed */
    int64_t hashed_ns;  /* when hashing began, since 1970 */
    hpx_hash hash;      /* of the uncompressed bytes */
    uint64_t size;      /* uncompressed */
    bool packed;        /* the file is compressed */
    hpx_fields about;   /* what their reader keeps of them (hpx/input.h); empty: not known (an older hpx) */
} hpx_known_bytes;
void hpx_known_bytes_free(hpx_known_bytes *known);

/* A file that had these uncompressed bytes when it was last looked at: *path is absolute, free() it; `known`
 * says whether it is compressed; it is free()d by the caller. HPX_NOT_FOUND if there is none. */
hpx_status hpx_store_find_file(char **path, hpx_known_bytes *known, hpx_store *store, const hpx_hash *hash,
                               hpx_error *error);

/* By absolute path. Whether the entry can be trusted is the caller's to decide. HPX_NOT_FOUND if there is
 * none. */
hpx_status hpx_store_get_file(hpx_known_bytes *out, hpx_store *store, const char *path, hpx_error *error);
hpx_status hpx_store_put_file(hpx_store *store, const char *path, const hpx_known_bytes *known,
                              hpx_error *error);

/* A job of a build: what a timeline shows of it. */
typedef struct hpx_build_span {
    hpx_hash key;
    uint32_t slot;            /* which worker, from 0 */
    uint32_t from, to;        /* it continued after epoch `from`, and `to` is the last one that it finished */
    uint8_t verdict;          /* of the trial (hpx/verdict.h) */
    bool speculative;         /* no search had asked for it when it began */
    int64_t start_ns, end_ns; /* since 1970 */
} hpx_build_span;

/* This process runs a build: what others may know of it, in the log of builds until hpx_store_log_build takes its place. */
hpx_status hpx_store_begin_build(hpx_store *store, const hpx_fields *entry, hpx_error *error);
/* What a build came to, in the log of builds. */
hpx_status hpx_store_log_build(hpx_store *store, const hpx_fields *entry, const hpx_build_span *spans,
                               size_t span_count, hpx_error *error);
/* Calls for every entry, the oldest first; those of earlier versions have no spans. Damaged ones are reported
 * and left out. The field "number" is its place in the log. */
typedef hpx_status hpx_build_entry_fn(void *context, const hpx_fields *entry, const hpx_build_span *spans,
                                      size_t span_count, hpx_error *error);
hpx_status hpx_store_each_build(hpx_store *store, hpx_build_entry_fn *each, void *context, hpx_error *error);
/* The same for those that have begun and not ended, without spans: they run, or were killed. */
hpx_status hpx_store_each_begun(hpx_store *store, hpx_build_entry_fn *each, void *context, hpx_error *error);
/* Whether the process of a build lives; also where the store is open for reading. */
hpx_status hpx_store_build_runs(bool *runs, hpx_store *store, uint64_t number, hpx_error *error);

/* Checks every value, that records and checkpoints have what they refer to, that no chunk is left over, and
 * the order and number of the keys. Calls `damaged` for each fault. */
hpx_status hpx_store_verify(hpx_store *store, uint64_t *checked, hpx_damage_fn *damaged, void *context,
                            hpx_error *error);

/* How far a check has come. In memory shared with a parent process it says where LMDB crashed. */
typedef struct hpx_verify_progress {
    uint32_t part;    /* the one being checked: records, chunks ... */
    uint64_t checked; /* values, in all parts so far */
} hpx_verify_progress;

/* Checks the parts from progress->part on. */
hpx_status hpx_store_verify_from(hpx_store *store, volatile hpx_verify_progress *progress,
                                 hpx_damage_fn *damaged, void *context, hpx_error *error);
const char *hpx_store_part_name(uint32_t part); /* NULL behind the last */

#endif
